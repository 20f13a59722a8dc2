/** OnePay's notice of a payment (IPN, rails.md §4.2): signed fields in the query of a GET or the form of a POST. */
import type { CallbackReading, RailAccount, RawRequest, RefusalReason } from '../contract.ts'
import { type QueryReading, readForm, readQuery } from '../shared/query.ts'
import type { OnepayConfig } from './account.ts'
import { foreignCurrencyOf, readPayment } from './reading.ts'
import { isSigned, isSignedName } from './signature.ts'

/** Signature → our merchant → currency → meaning. */
export function readCallback(request: RawRequest, account: RailAccount<OnepayConfig>): CallbackReading {
  const { config } = account
  if ((request.method !== 'GET' && request.method !== 'POST') || request.path !== '') {
    return refused('unsupported', `${request.method} ${request.path}`)
  }
  const reading = fieldsOf(request)
  if (!reading.ok) return refused('malformed', reading.detail)
  const twice = [...reading.repeated].find((name) => isSignedName(name) || name === 'vpc_SecureHash')
  if (twice !== undefined) return refused('repeated-field', `${twice.slice(0, 50)} stands twice`)
  if (!isSigned(reading.fields, config.hashKey)) return refused('signature', 'not signed by OnePay')

  const fields = Object.fromEntries([...reading.fields].filter(([name]) => isSignedName(name)))
  if (fields.vpc_Merchant !== config.merchant) {
    return refused('wrong-account', `merchant ${fields.vpc_Merchant ?? 'missing'}`)
  }
  const currency = foreignCurrencyOf(fields)
  if (currency !== null) return refused('wrong-currency', currency.slice(0, 10))
  // A code 0 about anything but a payment (a refund) must not read as money received.
  if (fields.vpc_Command === undefined || fields.vpc_Command === '') return refused('malformed', 'no vpc_Command')
  if (fields.vpc_Command !== 'pay') return { kind: 'ignored', reason: `command ${fields.vpc_Command.slice(0, 20)}` }
  const payment = readPayment(fields, account, 'CALLBACK')
  return payment.ok ? { kind: 'outcome', outcome: payment.outcome } : refused('malformed', payment.detail)
}

/** Before verification: for logs only. */
export function lookup(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const reading = fieldsOf(request)
  const plain = (name: string): string | null => {
    const value = reading.ok ? (reading.fields.get(name) ?? '') : ''
    return /^[A-Za-z0-9._-]{1,40}$/.test(value) ? value : null
  }
  return { merchantRef: plain('vpc_MerchTxnRef'), accountHint: plain('vpc_Merchant') }
}

/** One source, never both: a POST without a body carries its fields like a GET. */
function fieldsOf(request: RawRequest): QueryReading {
  return request.method === 'POST' && request.body.byteLength > 0 ? readForm(request.body) : readQuery(request.query)
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
