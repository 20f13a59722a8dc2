/** The rails of the sandbox: which partner speaks which rail, and what its rail account at a gateway looks like. */
import type { RailPartner } from './rail-partner.ts'

/** In the order in which a payer would like to see them. */
export const sandboxRails = [
  { partner: 'vietqr', rail: 'vietqr', titleVi: 'Chuyển khoản VietQR', titleEn: 'VietQR transfer' },
  { partner: 'vnpay', rail: 'vnpay', titleVi: 'Thẻ hoặc tài khoản qua VNPAY', titleEn: 'Card or account by VNPAY' },
  {
    partner: 'vietinbank',
    rail: 'vietinbank',
    titleVi: 'Tài khoản VietinBank (OTP)',
    titleEn: 'VietinBank account (one-time code)',
  },
  { partner: 'napas', rail: 'napas', titleVi: 'Thẻ nội địa qua NAPAS', titleEn: 'Domestic card by NAPAS' },
  { partner: 'onepay', rail: 'onepay', titleVi: 'Thẻ qua OnePay', titleEn: 'Card by OnePay' },
  { partner: 'momo', rail: 'momo', titleVi: 'Ví MoMo', titleEn: 'MoMo wallet' },
  { partner: 'zalopay', rail: 'zalopay', titleVi: 'Ví ZaloPay', titleEn: 'ZaloPay wallet' },
  {
    partner: 'payos',
    rail: 'vietqr',
    titleVi: 'Chuyển khoản VietQR (báo có payOS)',
    titleEn: 'VietQR transfer (payOS notices)',
  },
  {
    partner: 'vietqrvn',
    rail: 'vietqr',
    titleVi: 'Chuyển khoản VietQR (báo có VietQR.vn)',
    titleEn: 'VietQR transfer (VietQR.vn notices)',
  },
  {
    partner: 'vietqrvnHmac',
    rail: 'vietqr',
    titleVi: 'Chuyển khoản VietQR (VietQR.vn, HMAC)',
    titleEn: 'VietQR transfer (VietQR.vn, HMAC)',
  },
  { partner: 'billPull', rail: 'bill-pull', titleVi: 'Quầy thu hộ', titleEn: 'Bank counter' },
  {
    partner: 'nationalPortal',
    rail: 'national-portal',
    titleVi: 'Nền tảng thanh toán quốc gia',
    titleEn: 'National payment platform',
  },
] as const

export type RailName = (typeof sandboxRails)[number]['partner']
export type RailPartners = Readonly<Record<RailName, RailPartner>>

/** Ids of the rail accounts at the gateway; those left out are called `vietqr-sandbox`, `bill-pull-sandbox` … */
export type AccountIds = Partial<Record<RailName, string>>

export function accountIdOf(partner: RailName, ids: AccountIds = {}): string {
  return ids[partner] ?? `${partner.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}-sandbox`
}

/** Whose money it is. */
export type Place = {
  readonly beneficiaryAccountId: string
  readonly agencyCode: string
}

export type RailAccountEntry = {
  readonly id: string
  readonly rail: string
  readonly beneficiaryAccountId: string
  readonly titleVi: string
  readonly titleEn: string
  readonly config: Record<string, unknown>
  readonly position: number
}

/** `railAccounts` of a directory file. */
export function railAccountsOf(
  partners: RailPartners,
  place: Place,
  { ids = {}, only }: { readonly ids?: AccountIds; readonly only?: readonly RailName[] } = {},
): RailAccountEntry[] {
  return sandboxRails
    .filter(({ partner }) => only === undefined || only.includes(partner))
    .map(({ partner, rail, titleVi, titleEn }, index) => ({
      id: accountIdOf(partner, ids),
      rail,
      beneficiaryAccountId: place.beneficiaryAccountId,
      titleVi,
      titleEn,
      config: {
        ...partners[partner].accountConfig(),
        ...(partner === 'nationalPortal' ? nationalPortalFee(place) : {}),
      },
      position: index + 1,
    }))
}

/** What the platform wants to know of the fee and does not know itself. */
function nationalPortalFee({ agencyCode }: Place): Record<string, unknown> {
  return {
    beneficiary: { account: '113366668888', name: 'SO TU PHAP', bankCode: '970415' },
    agency: { code: agencyCode, name: 'So Tu phap' },
    procedure: { code: '1.004194', name: 'Dang ky tam tru' },
    onlineService: { code: '1.004194', name: 'Dang ky tam tru' },
  }
}

/** Tells every partner where the gateway takes its callbacks. */
export function registerCallbacks(partners: RailPartners, gatewayUrl: string, ids: AccountIds = {}): void {
  for (const { partner, rail } of sandboxRails)
    partners[partner].callbackUrl = `${gatewayUrl.replace(/\/+$/, '')}/callbacks/${rail}/${accountIdOf(partner, ids)}`
}
