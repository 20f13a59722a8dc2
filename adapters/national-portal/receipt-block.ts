/**
 * `ThongTinBienLai` of INIT: what the platform's receipt shows and where the money goes (domain.md §8.1). No hash covers it, so it
 * is made from the invoice, checked before it leaves, and to be compared with the platform's daily file.
 */
import type { BillView, Order } from '../contract.ts'
import type { NationalPortalConfig } from './account.ts'
import { signable } from './signature.ts'

const nameMaxLength = 250

export type ReceiptBlock =
  | { readonly ok: true; readonly block: Record<string, unknown> }
  | { readonly ok: false; readonly code: 'KIND' | 'BENEFICIARY' | 'FIELD'; readonly detail: string }

export function receiptBlock(order: Order, config: NationalPortalConfig): ReceiptBlock {
  const bill = order.bill ?? billOf(order, config)
  if (bill === null) return { ok: false, code: 'FIELD', detail: 'the order does not tell what it is for' }
  const { beneficiary, lines } = bill
  // Of the service codes only that of fees is known; another kind would be booked as a fee.
  const kind = lines.find((line) => line.kind !== 'PHI' && line.kind !== 'LE_PHI')?.kind
  if (kind !== undefined) return { ok: false, code: 'KIND', detail: `${kind} is not a fee` }
  if (lines.reduce((sum, line) => sum + line.amount, 0n) !== order.amount)
    return { ok: false, code: 'FIELD', detail: 'the lines do not sum to the amount' }
  const onRecord = config.beneficiary
  if (onRecord !== undefined && onRecord.account !== beneficiary.accountNumber)
    return { ok: false, code: 'BENEFICIARY', detail: 'the invoice pays into another account than the platform has' }

  const texts = {
    MaDichVu: config.serviceCode,
    MaDVC: bill.onlineServiceCode ?? config.onlineService?.code ?? bill.procedure.code,
    TenDVC: cut(
      bill.onlineServiceCode === null ? (config.onlineService?.name ?? bill.procedure.name) : bill.procedure.name,
    ),
    MaTTHC: bill.procedure.code,
    TenTTHC: cut(bill.procedure.name),
    MaDonVi: bill.agency.code,
    TenDonVi: cut(bill.agency.name),
    MaHoSo: order.dossierCode,
    TKThuHuong: beneficiary.accountNumber,
    TenTKThuHuong: cut(onRecord?.name ?? beneficiary.accountName),
    MaNHThuHuong: onRecord?.bankCode ?? config.bankCodes[beneficiary.bankBin] ?? beneficiary.bankBin,
    HoTenNguoiNop: cut(bill.payerName ?? ''),
    // Empty text stands for "none". Number and address of the payer are not needed for the payment and stay here.
    SoCMNDNguoiNop: '',
    DiaChiNguoiNop: '',
    HuyenNguoiNop: '',
    TinhNguoiNop: '',
    NoiDungThanhToan: order.description,
  }
  const fees = lines.map((line) => ({
    LoaiPhiLePhi: line.kind === 'PHI' ? config.feeTypes.PHI : config.feeTypes.LE_PHI,
    MaPhiLePhi: line.code ?? '',
    TenPhiLePhi: cut(line.name),
    SoTien: line.amount.toString(),
  }))
  const odd = Object.entries({ ...texts, ...Object.assign({}, ...fees.map((fee, at) => named(fee, at))) }).find(
    ([, text]) => !signable.safeParse(text).success,
  )
  if (odd !== undefined) return { ok: false, code: 'FIELD', detail: `${odd[0]} holds a bar or a control character` }
  return {
    ok: true,
    block: {
      ...texts,
      PhiLePhi: fees,
      DSKhoanNop: fees.map(({ TenPhiLePhi, SoTien }) => ({ NoiDung: TenPhiLePhi, SoTien })),
    },
  }
}

/** From the account's own config, for an order that comes without a bill; null when that does not suffice. */
function billOf(order: Order, config: NationalPortalConfig): BillView | null {
  const { beneficiary, agency, procedure, onlineService } = config
  if (beneficiary === undefined || agency === undefined || procedure === undefined) return null
  return {
    beneficiary: { accountNumber: beneficiary.account, accountName: beneficiary.name, bankBin: beneficiary.bankCode },
    agency,
    procedure,
    onlineServiceCode: onlineService?.code ?? null,
    lines: [{ kind: 'PHI', code: null, name: order.description, amount: order.amount }],
    payerName: null,
  }
}

function named(fee: Readonly<Record<string, string>>, at: number): Record<string, string> {
  return Object.fromEntries(Object.entries(fee).map(([name, text]) => [`PhiLePhi[${at}].${name}`, text]))
}

/** By code points, so that no letter is cut in two. */
function cut(name: string): string {
  return Array.from(name.normalize('NFC')).slice(0, nameMaxLength).join('')
}
