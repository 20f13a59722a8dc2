/** VNPAY's notice of a payment (IPN, rails.md §1.3): a signed query. */
import { z } from 'zod'
import type { CallbackReading, RailAccount, RawRequest, RefusalReason } from '../contract.ts'
import { readQuery } from '../shared/query.ts'
import type { VnpayConfig } from './account.ts'
import { amountField } from './amount.ts'
import { kindOfNotice } from './codes.ts'
import { transactionKey } from './reference.ts'
import { formText, isSigned } from './signature.ts'
import { timeField } from './time.ts'

const code = z.string().regex(/^\d{2}$/)

const noticeSchema = z.looseObject({
  vnp_Amount: amountField,
  vnp_TxnRef: z.string().regex(/^[\x21-\x7e]{1,100}$/),
  vnp_TransactionNo: z.string().regex(/^(0|[1-9]\d{0,14})$/),
  vnp_ResponseCode: code,
  vnp_TransactionStatus: code,
  vnp_PayDate: timeField,
})

/** Fields that are kept as evidence. None of them is secret. */
const evidenceNames = [
  'vnp_TxnRef',
  'vnp_Amount',
  'vnp_ResponseCode',
  'vnp_TransactionStatus',
  'vnp_TransactionNo',
  'vnp_BankCode',
  'vnp_BankTranNo',
  'vnp_CardType',
  'vnp_PayDate',
  'vnp_OrderInfo',
] as const

/** Signature → our terminal → currency → meaning. The hash is taken over the decoded values, whatever their order and encoding. */
export function readCallback(request: RawRequest, account: RailAccount<VnpayConfig>): CallbackReading {
  const { config } = account
  if (request.method !== 'GET' || request.path !== '') {
    return refused('unsupported', `${request.method} ${request.path}`)
  }
  const query = readQuery(request.query)
  if (!query.ok) return refused('malformed', query.detail)
  const twice = [...query.repeated].find((name) => name.startsWith('vnp_'))
  if (twice !== undefined) return refused('repeated-field', `${twice.slice(0, 50)} stands twice`)
  if (!isSigned(formText(query.fields), query.fields.get('vnp_SecureHash') ?? '', config.hashSecret)) {
    return refused('signature', 'not signed by VNPAY')
  }

  const fields = Object.fromEntries([...query.fields].filter(([name]) => name.startsWith('vnp_')))
  if (fields.vnp_TmnCode !== config.tmnCode)
    return refused('wrong-account', `terminal ${fields.vnp_TmnCode ?? 'missing'}`)
  // Not in VNPAY's list of fields; but if it ever comes it must say đồng.
  const currency = fields.vnp_CurrCode ?? 'VND'
  if (currency !== 'VND' && currency !== '') return refused('wrong-currency', currency)
  const parsed = noticeSchema.safeParse(fields)
  if (!parsed.success) return refused('malformed', z.prettifyError(parsed.error))
  const notice = parsed.data
  return {
    kind: 'outcome',
    outcome: {
      rail: 'vnpay',
      accountId: account.id,
      merchantRef: notice.vnp_TxnRef,
      railTransactionId: transactionKey(config.tmnCode, notice.vnp_TransactionNo, notice.vnp_TxnRef),
      kind: kindOfNotice(notice.vnp_ResponseCode, notice.vnp_TransactionStatus),
      amount: notice.vnp_Amount,
      currency: 'VND',
      paidAt: notice.vnp_PayDate,
      source: 'CALLBACK',
      evidence: evidenceOf(fields),
    },
  }
}

/** Before verification: for logs only. */
export function lookup(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const query = readQuery(request.query)
  if (!query.ok) return { merchantRef: null, accountHint: null }
  const plain = (name: string): string | null => {
    const value = query.fields.get(name) ?? ''
    return /^[A-Za-z0-9._-]{1,100}$/.test(value) ? value : null
  }
  return { merchantRef: plain('vnp_TxnRef'), accountHint: plain('vnp_TmnCode') }
}

export function evidenceOf(fields: Readonly<Record<string, string>>): Record<string, string> {
  const kept = evidenceNames.map((name) => [name, (fields[name] ?? '').slice(0, 255)] as const)
  return Object.fromEntries(kept.filter(([, value]) => value !== ''))
}

function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}
