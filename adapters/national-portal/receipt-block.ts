/** `ThongTinBienLai` of INIT: what the platform's receipt shows (domain.md §8.1). No hash covers it. */
import type { Order } from '../contract.ts'
import type { NationalPortalConfig } from './account.ts'

const nameMaxLength = 250

/** Empty text stands for "none". Payer details are left to the platform: the payer signs in there. */
export function receiptBlock(order: Order, config: NationalPortalConfig): Record<string, unknown> {
  const { beneficiary, agency, procedure, onlineService } = config
  const amount = order.amount.toString()
  return {
    MaDichVu: config.serviceCode,
    MaDVC: onlineService.code,
    TenDVC: cut(onlineService.name),
    MaTTHC: procedure.code,
    TenTTHC: cut(procedure.name),
    MaDonVi: agency.code,
    TenDonVi: cut(agency.name),
    MaHoSo: order.dossierCode,
    TKThuHuong: beneficiary.account,
    TenTKThuHuong: beneficiary.name,
    MaNHThuHuong: beneficiary.bankCode,
    HoTenNguoiNop: '',
    SoCMNDNguoiNop: '',
    DiaChiNguoiNop: '',
    HuyenNguoiNop: '',
    TinhNguoiNop: '',
    NoiDungThanhToan: order.description,
    PhiLePhi: [{ LoaiPhiLePhi: '', MaPhiLePhi: '', TenPhiLePhi: order.description, SoTien: amount }],
    DSKhoanNop: [{ NoiDung: order.description, SoTien: amount }],
  }
}

/** By code points, so that no letter is cut in two. */
function cut(name: string): string {
  return Array.from(name.normalize('NFC')).slice(0, nameMaxLength).join('')
}
