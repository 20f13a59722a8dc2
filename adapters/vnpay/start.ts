/** The signed address of VNPAY's pay page (rails.md §1.1). Nothing is called: the payer's browser carries the order. */
import { foldToLatin } from '../../src/domain/fold.ts'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { AdapterContext, Order, RailAccount, StartResult, Step } from '../contract.ts'
import type { VnpayConfig } from './account.ts'
import { amountText } from './amount.ts'
import { formText, hashOf, version } from './signature.ts'

export const orderInfoMaxLength = 255

export function start(order: Order, account: RailAccount<VnpayConfig>, context: AdapterContext): Step<StartResult> {
  const { config } = account
  const createDate = compactLocalTime(context.now)
  const fields: Record<string, string> = {
    vnp_Version: version,
    vnp_Command: 'pay',
    vnp_TmnCode: config.tmnCode,
    vnp_Amount: amountText(order.amount),
    vnp_BankCode: config.bankCode ?? '',
    vnp_CreateDate: createDate,
    vnp_CurrCode: 'VND',
    vnp_IpAddr: payerAddress(order.payerIp, context.serverIp),
    vnp_Locale: order.locale === 'en' ? 'en' : 'vn',
    vnp_OrderInfo: foldToLatin(order.description, orderInfoMaxLength) || order.payCode,
    vnp_OrderType: config.orderType,
    vnp_ReturnUrl: order.returnUrl,
    vnp_ExpireDate: compactLocalTime(order.expiresAt),
    vnp_TxnRef: order.merchantRef,
  }
  const url = payPageUrl(fields, config)
  // Inquiry and refund name the payment by this very time.
  return { kind: 'done', result: { kind: 'redirect', url, sent: { vnp_CreateDate: createDate } } }
}

/** The text that is signed is the query that is sent. */
export function payPageUrl(fields: Readonly<Record<string, string>>, config: VnpayConfig): string {
  const text = formText(Object.entries(fields))
  return `${config.payUrl}?${text}&vnp_SecureHash=${hashOf(text, config.hashSecret)}`
}

/** The field holds 7 to 45 characters: `::1` does not fit, and an IPv4 payer is written as IPv4. */
function payerAddress(payerIp: string, serverIp: string): string {
  const address = payerIp.replace(/^::ffff:(?=\d+\.)/i, '')
  return address.length >= 7 && address.length <= 45 ? address : serverIp
}
