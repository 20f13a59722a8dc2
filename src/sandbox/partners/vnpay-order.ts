/** An order as the pay page takes it in: strictly signed, complete, in time (rails.md §1.1). */

import { isSigned, queryText } from './vnpay-signature.ts'
import { localStamp } from './web.ts'

export type VnpayOrder = {
  readonly fields: ReadonlyMap<string, string>
  readonly txnRef: string
  /** VND × 100, as VNPAY counts. */
  readonly amount: bigint
  readonly returnUrl: string
  transactionNo: string
  responseCode: string
  /** `vnp_TransactionStatus`; `01` until the payer has chosen. */
  status: string
  payDate: string
  refunded: bigint
}

/** The pay page shows an error instead of buttons. */
export class VnpayRefusal extends Error {
  readonly code = 'VNPAY_REFUSAL'
}

const wanted: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['vnp_Version', /^2\.1\.0$/],
  ['vnp_Command', /^pay$/],
  ['vnp_Amount', /^[1-9]\d{0,11}$/],
  ['vnp_CurrCode', /^VND$/],
  ['vnp_CreateDate', /^\d{14}$/],
  ['vnp_ExpireDate', /^\d{14}$/],
  ['vnp_IpAddr', /^[0-9A-Fa-f.:]{7,45}$/],
  ['vnp_Locale', /^(vn|en)$/],
  // Officially without diacritics and special characters.
  ['vnp_OrderInfo', /^[\x20-\x7e]{1,255}$/],
  ['vnp_OrderType', /^.{1,100}$/],
  ['vnp_ReturnUrl', /^https?:\/\/.{3,247}$/],
  ['vnp_TxnRef', /^.{1,100}$/],
]

export function readOrder(query: string, terminal: { tmnCode: string; hashSecret: string }, at: Date): VnpayOrder {
  const pairs = [...new URLSearchParams(query)]
  const fields = new Map(pairs)
  const value = (name: string): string => fields.get(name) ?? ''
  if (fields.size !== pairs.length || !isSigned(queryText(pairs), fields.get('vnp_SecureHash'), terminal.hashSecret))
    throw new VnpayRefusal('Sai chữ ký / Invalid signature (97)')
  if (value('vnp_TmnCode') !== terminal.tmnCode) throw new VnpayRefusal('Sai mã website / Unknown terminal')
  const wrong = wanted.find(([name, pattern]) => !pattern.test(value(name)))
  if (wrong !== undefined) throw new VnpayRefusal(`Sai hoặc thiếu / Missing or malformed ${wrong[0]}`)
  if (value('vnp_ExpireDate') < localStamp(at)) throw new VnpayRefusal('Hết hạn / Expired')
  return {
    fields,
    txnRef: value('vnp_TxnRef'),
    amount: BigInt(value('vnp_Amount')),
    returnUrl: value('vnp_ReturnUrl'),
    transactionNo: '0',
    responseCode: '',
    status: '01',
    payDate: '',
    refunded: 0n,
  }
}
