/** Starting a payment: the bank takes the order and texts a one-time code to the payer. No money moves before the code is confirmed. */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import { compactLocalTime } from '../../src/domain/vietnam-time.ts'
import type {
  AdapterContext,
  HttpAnswer,
  Order,
  PayerField,
  RailAccount,
  Sent,
  StartResult,
  Step,
} from '../contract.ts'
import { requireCarried } from '../shared/amount-limit.ts'
import type { VietinbankConfig } from './account.ts'
import { readAnswer } from './answer.ts'
import { signedCall } from './message.ts'

type Account = RailAccount<VietinbankConfig>

export const payerFields: readonly PayerField[] = [
  {
    name: 'token',
    labelVi: 'Số thẻ hoặc mã liên kết tài khoản',
    labelEn: 'Card number or account token',
    pattern: '^[0-9A-Za-z]{4,20}$',
    maxLength: 20,
    secret: true,
  },
  {
    name: 'tokenIssueDate',
    labelVi: 'Ngày phát hành (MMyyyy hoặc MMyy)',
    labelEn: 'Issue date (MMyyyy or MMyy)',
    pattern: '^(0[1-9]|1[0-2])(20)?[0-9]{2}$',
    maxLength: 6,
    secret: true,
  },
]

export const minAmount = 1n
/** Fifteen digits, as in the bank's own notices (rails.md §3.1). */
export const maxAmount = 999_999_999_999_999n
export const remarkMaxLength = 100

export function start(order: Order, account: Account, context: AdapterContext): Step<StartResult> {
  const { config } = account
  requireCarried(order.amount, 'VietinBank', minAmount, maxAmount)
  const transTime = compactLocalTime(context.now)
  const sent: Sent = {
    requestId: order.merchantRef,
    transTime,
    clientIP: clientAddress(order.payerIp, context.serverIp),
    language: order.locale,
  }
  const [token, tokenIssueDate] = payerFields.map(({ name, pattern }) => {
    const typed = (order.payerInput[name] ?? '').trim()
    return new RegExp(pattern).test(typed) ? typed : null
  })
  if (token == null || tokenIssueDate == null) {
    const result: StartResult = {
      kind: 'refused',
      railCode: 'PAYER_INPUT',
      message: 'card or token details are not valid',
      sent,
    }
    return { kind: 'done', result }
  }
  const call = signedCall(
    'paymentByOTP',
    {
      requestId: order.merchantRef,
      token,
      tokenIssueDate,
      amount: order.amount.toString(),
      currencyCode: 'VND',
      transTime,
      clientIP: sent.clientIP ?? '',
      payMethod: config.payMethod,
      goodsType: config.goodsType,
      billNo: order.payCode,
      // Our reference first: the credit notice of this very debit is recognised by it.
      remark: foldToLatin(`${order.merchantRef} ${order.description}`, remarkMaxLength),
      language: order.locale,
    },
    config,
  )
  return { kind: 'call', call, state: { sent } }
}

export function readStart(answer: HttpAnswer, state: unknown, order: Order, account: Account): Step<StartResult> {
  const sent = sentOf(state)
  const read = readAnswer(answer, order.merchantRef, account.config)
  if (read.kind === 'worthless') return { kind: 'done', result: { kind: 'unknown', detail: read.detail, sent } }
  if (account.config.codeSentCodes.includes(read.code)) return { kind: 'done', result: { kind: 'otpChallenge', sent } }
  // Signed by the bank, and nothing was confirmed: no money can move on this attempt.
  return { kind: 'done', result: { kind: 'refused', railCode: read.code, message: read.message, sent } }
}

const stateSchema = z.object({ sent: z.record(z.string(), z.string()) })

function sentOf(state: unknown): Sent {
  return stateSchema.parse(state).sent
}

/** The field holds 16 characters: an IPv6 payer is named by our own address. */
function clientAddress(payerIp: string, serverIp: string): string {
  const candidates = [payerIp, serverIp].map((address) => address.replace(/^::ffff:/i, ''))
  return candidates.find((address) => /^\d{1,3}(\.\d{1,3}){3}$/.test(address)) ?? ''
}
