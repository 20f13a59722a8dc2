/** The signed order for VNPAY (rails.md §1.1): an address the payer's browser carries, or a call that answers with a QR code. */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type { AdapterContext, HttpAnswer, Order, RailAccount, Sent, StartResult, Step } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { bankCodeField, type VnpayConfig } from './account.ts'
import { amountText } from './amount.ts'
import { formText, hashOf, version } from './signature.ts'

export const orderInfoMaxLength = 255

export function start(order: Order, account: RailAccount<VnpayConfig>, context: AdapterContext): Step<StartResult> {
  const { config } = account
  const byQr = config.startBy === 'qr'
  const createDate = compactLocalTime(context.now)
  const fields: Record<string, string> = {
    vnp_Version: version,
    vnp_Command: byQr ? 'genqr' : 'pay',
    vnp_TmnCode: config.tmnCode,
    vnp_Amount: amountText(order.amount),
    vnp_BankCode: bankCodeOf(order, config),
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
  const sent = { vnp_CreateDate: createDate }
  if (!byQr) return { kind: 'done', result: { kind: 'redirect', url, sent } }
  // Not repeatable: the reference is used up by the first call.
  const headers = { accept: 'application/json' }
  const call = { method: 'GET', url, headers, timeoutMs: config.timeoutMs, repeatable: false } as const
  return { kind: 'call', call, state: sent }
}

const sentSchema = z.object({ vnp_CreateDate: z.string() })

const qrSchema = z.looseObject({
  code: z.string().max(20),
  message: z.string().optional(),
  // EMVCo text begins with its version and is printable ASCII.
  qrcontent: z
    .string()
    .regex(/^000201[\x20-\x7e]{1,1000}$/)
    .optional(),
})

/** The answer to `genqr`. It is not signed, so it may show the payer a code and refuse one, and decides nothing about money. */
export function readStart(answer: HttpAnswer, state: unknown): Step<StartResult> {
  const sent: Sent = sentSchema.parse(state)
  const unknown = (detail: string): Step<StartResult> => ({ kind: 'done', result: { kind: 'unknown', detail, sent } })
  if (answer.status < 200 || answer.status > 299) return unknown(`HTTP ${answer.status}`)
  const body = readJsonObject(answer.body)
  if (!body.ok) return unknown(`unreadable answer: ${body.detail}`)
  const parsed = qrSchema.safeParse(body.value)
  if (!parsed.success) return unknown(z.prettifyError(parsed.error))
  const { code, message = '', qrcontent } = parsed.data
  if (code !== '00') {
    return { kind: 'done', result: { kind: 'refused', railCode: code, message: message.slice(0, 255), sent } }
  }
  if (qrcontent === undefined) return unknown('no QR text in the answer')
  return { kind: 'done', result: { kind: 'qr', payload: qrcontent, sent } }
}

/** The text that is signed is the query that is sent. */
export function payPageUrl(fields: Readonly<Record<string, string>>, config: VnpayConfig): string {
  const text = formText(Object.entries(fields))
  return `${config.payUrl}?${text}&vnp_SecureHash=${hashOf(text, config.hashSecret)}`
}

/** The account's fixed way of paying, else the payer's choice; without either the payer chooses on VNPAY's page. */
function bankCodeOf(order: Order, config: VnpayConfig): string {
  if (config.bankCode !== undefined) return config.bankCode
  const chosen = bankCodeField.safeParse(order.payerInput.bankCode)
  return chosen.success ? chosen.data : ''
}

/** The field holds 7 to 45 characters: `::1` does not fit, and an IPv4 payer is written as IPv4. */
function payerAddress(payerIp: string, serverIp: string): string {
  const address = payerIp.replace(/^::ffff:(?=\d+\.)/i, '')
  return address.length >= 7 && address.length <= 45 ? address : serverIp
}
