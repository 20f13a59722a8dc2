/** Orders as the pay page takes them in (rails.md §1.1): whatever is not exactly right is refused. */
import { readCompactTime } from '../bank-time.ts'
import { uniqueFields } from '../partner.ts'
import { Refused } from '../refused.ts'
import { isSigned, queryText, wrongPayField } from './vnpay-wire.ts'

export type VnpayRefund = {
  readonly type: '02' | '03'
  readonly amount: bigint
  readonly transactionNo: string
  /** `05` in process, `06` sent to the bank, `00` done, `09` refused. */
  status: '05' | '06' | '00' | '09'
}

export type VnpayTransaction = {
  readonly txnRef: string
  readonly createDate: string
  readonly amount: bigint
  readonly orderInfo: string
  readonly returnUrl: string
  readonly bankCode: string
  readonly expiresAt: Date | null
  /** What the payer paid: differs from `amount` only after `wrong-amount`. */
  paidAmount: bigint
  paidAt: Date | null
  /** `vnp_TransactionStatus` and `vnp_ResponseCode`; unfinished is `01`. */
  status: string
  responseCode: string
  transactionNo: string
  readonly refunds: VnpayRefund[]
}

/** The pay page's refusal of an order; `code` as its error page shows it. */
export class VnpayRefused extends Refused {}

/**
 * The order in a pay URL's query. Throws `VnpayRefused`: `02` terminal, `70` signature, `03` a field, `01` reference used
 * for another order, `15` expired.
 *
 * @param known an order of this reference that was taken in before: the same order again is that one
 */
export function readOrder(
  query: string,
  terminal: { readonly tmnCode: string; readonly hashSecret: string },
  now: Date,
  known: (txnRef: string) => VnpayTransaction | undefined,
): VnpayTransaction {
  const fields = uniqueFields(query)
  if (fields === null) throw new VnpayRefused('03', 'a field stands twice')
  if (fields.vnp_TmnCode !== terminal.tmnCode) throw new VnpayRefused('02', 'unknown terminal')
  if (!isSigned(queryText(fields), fields.vnp_SecureHash, terminal.hashSecret))
    throw new VnpayRefused('70', 'wrong signature')
  const wrong = wrongPayField(fields)
  if (wrong !== null) throw new VnpayRefused('03', `${wrong} is not as it must be`)
  const { vnp_TxnRef: txnRef = '', vnp_CreateDate: createDate = '', vnp_ExpireDate = '', vnp_BankCode = '' } = fields
  const expiresAt = vnp_ExpireDate === '' ? null : readCompactTime(vnp_ExpireDate)
  if (readCompactTime(createDate) === null || (vnp_ExpireDate !== '' && expiresAt === null))
    throw new VnpayRefused('03', 'a date is no date')
  const amount = BigInt(fields.vnp_Amount ?? '') / 100n
  const before = known(txnRef)
  if (before !== undefined) {
    if (before.amount === amount && before.createDate === createDate) return before
    throw new VnpayRefused('01', 'vnp_TxnRef was used before')
  }
  if (expiresAt !== null && expiresAt <= now) throw new VnpayRefused('15', 'the order has expired')
  return {
    ...{ txnRef, createDate, amount, expiresAt, paidAmount: amount, paidAt: null },
    orderInfo: fields.vnp_OrderInfo ?? '',
    returnUrl: fields.vnp_ReturnUrl ?? '',
    bankCode: vnp_BankCode === '' || vnp_BankCode === 'VNBANK' ? 'NCB' : vnp_BankCode,
    ...{ status: '01', responseCode: '', transactionNo: '0', refunds: [] },
  }
}
