/** OnePay's orders, refunds and the answers to `queryDR` and `refund` (rails.md §4.2). */
import { Refused } from '../refused.ts'
import { type Fields, isSigned, wrongPayField } from './onepay-wire.ts'

export type OnepayTransaction = {
  readonly merchTxnRef: string
  readonly amount: bigint
  readonly orderInfo: string
  readonly returnUrl: string
  readonly locale: string
  paidAmount: bigint
  /** `vpc_TxnResponseCode`; empty while nothing happened. */
  code: string
  transactionNo: string
}

export type OnepayRefund = {
  readonly merchTxnRef: string
  readonly orgMerchTxnRef: string
  readonly amount: bigint
  readonly transactionNo: string
  /** `300` while in process, then `0`. */
  code: string
}

export type OnepayMerchant = {
  readonly merchant: string
  readonly accessCode: string
  readonly hashKeyHex: string
  readonly user: string
  readonly password: string
}

/** What queries and refunds need of OnePay. */
export type OnepayBook = {
  readonly merchant: OnepayMerchant
  readonly transactions: ReadonlyMap<string, OnepayTransaction>
  readonly refunds: ReadonlyMap<string, OnepayRefund>
  /** Fields of a payment as a notice would tell it now. */
  told(transaction: OnepayTransaction): Fields
  /** What `wrongAmount` adds now. */
  excess(): bigint
  startRefund(order: Omit<OnepayRefund, 'transactionNo' | 'code'>): OnepayRefund
}

export class OnepayRefused extends Refused {
  constructor(message: string) {
    super('ONEPAY_REFUSED', message)
  }
}

/** The order of a pay request. @throws OnepayRefused when the pay page would show an error. */
export function readOrder(fields: Fields | null, merchant: OnepayMerchant): OnepayTransaction {
  if (fields === null) throw new OnepayRefused('a field stands twice')
  if (!isSigned(fields, merchant.hashKeyHex)) throw new OnepayRefused('wrong signature')
  if (fields.vpc_Merchant !== merchant.merchant || fields.vpc_AccessCode !== merchant.accessCode)
    throw new OnepayRefused('unknown merchant or access code')
  const wrong = wrongPayField(fields)
  if (wrong !== null) throw new OnepayRefused(`${wrong} is not as it must be`)
  const amount = BigInt(fields.vpc_Amount ?? '') / 100n
  return {
    ...{ merchTxnRef: fields.vpc_MerchTxnRef ?? '', amount, paidAmount: amount, code: '', transactionNo: '0' },
    orderInfo: fields.vpc_OrderInfo ?? '',
    returnUrl: fields.vpc_ReturnURL ?? '',
    locale: fields.vpc_Locale ?? 'vn',
  }
}

/** By a payment's reference or a refund's; `vpc_DRExists=N` for what OnePay never saw. */
export function answerQuery(book: OnepayBook, fields: Fields): Fields {
  const { user, password } = book.merchant
  const isAllowed = isFrom(book, fields, 'queryDR') && fields.vpc_User === user && fields.vpc_Password === password
  if (!isAllowed) return { vpc_DRExists: 'N', vpc_TxnResponseCode: '7', vpc_Message: 'Refused' }
  const reference = fields.vpc_MerchTxnRef ?? ''
  const refund = book.refunds.get(reference)
  if (refund !== undefined) return { ...refundFields(book, refund), vpc_DRExists: 'Y' }
  const paid = book.transactions.get(reference)
  if (paid === undefined || paid.code === '')
    return { vpc_DRExists: 'N', vpc_Merchant: book.merchant.merchant, vpc_MerchTxnRef: reference }
  return { ...book.told(paid), vpc_DRExists: 'Y' }
}

/** The same reference again is the same refund. Codes of refusals are this simulator's: OnePay's are not public. */
export function answerRefund(book: OnepayBook, fields: Fields): Fields {
  const { vpc_MerchTxnRef: merchTxnRef = '', vpc_OrgMerchTxnRef: orgMerchTxnRef = '', vpc_Amount = '' } = fields
  const refused = (code: string, vpc_Message: string): Fields => ({
    ...{ vpc_Command: 'refund', vpc_Version: '2', vpc_Merchant: book.merchant.merchant, vpc_MerchTxnRef: merchTxnRef },
    ...{ vpc_OrgMerchTxnRef: orgMerchTxnRef, vpc_TransactionNo: '0', vpc_TxnResponseCode: code, vpc_Message },
  })
  if (!isFrom(book, fields, 'refund')) return refused('4', 'Refused')
  const isFormed =
    /^[A-Za-z0-9._-]{1,34}$/.test(merchTxnRef) &&
    /^[1-9]\d{0,11}00$/.test(vpc_Amount) &&
    (fields.vpc_Operator ?? '') !== '' &&
    !book.transactions.has(merchTxnRef)
  if (!isFormed) return refused('3', 'Invalid field')
  const amount = BigInt(vpc_Amount) / 100n
  const known = book.refunds.get(merchTxnRef)
  if (known !== undefined)
    return known.amount === amount && known.orgMerchTxnRef === orgMerchTxnRef
      ? refundFields(book, known)
      : refused('3', 'vpc_MerchTxnRef was used before')
  const paid = book.transactions.get(orgMerchTxnRef)
  if (paid?.code !== '0') return refused('1', 'Original transaction not successful')
  const returned = [...book.refunds.values()]
    .filter((refund) => refund.orgMerchTxnRef === orgMerchTxnRef)
    .reduce((sum, refund) => sum + refund.amount, 0n)
  if (returned + amount > paid.paidAmount) return refused('5', 'Invalid amount')
  return refundFields(book, book.startRefund({ merchTxnRef, orgMerchTxnRef, amount }))
}

function isFrom({ merchant }: OnepayBook, fields: Fields, command: 'queryDR' | 'refund'): boolean {
  return (
    fields.vpc_Merchant === merchant.merchant &&
    fields.vpc_AccessCode === merchant.accessCode &&
    fields.vpc_Command === command &&
    isSigned(fields, merchant.hashKeyHex)
  )
}

function refundFields(book: OnepayBook, refund: OnepayRefund): Fields {
  return {
    ...{ vpc_Command: 'refund', vpc_Version: '2', vpc_CurrencyCode: 'VND', vpc_Merchant: book.merchant.merchant },
    vpc_MerchTxnRef: refund.merchTxnRef,
    vpc_OrgMerchTxnRef: refund.orgMerchTxnRef,
    vpc_Amount: ((refund.amount + book.excess()) * 100n).toString(),
    vpc_TransactionNo: refund.transactionNo,
    vpc_TxnResponseCode: refund.code,
    vpc_Message: refund.code === '0' ? 'Approved' : 'Pending',
  }
}
