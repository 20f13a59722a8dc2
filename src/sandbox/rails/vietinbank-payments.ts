/** Payments with a one-time code inside the bank (rails.md §3.3). The card chooses what comes of a payment. */
import { keep, type SandboxContext } from '../context.ts'
import type { Fields, VietinbankCall } from './vietinbank-wire.ts'

/** What happens → the card number it happens with. Any other number pays. */
export const testCards = {
  success: '9704150000000018',
  fail: '9704150000000026',
  'declined-after-code': '9704150000000034',
  'no-answer-after-debit': '9704150000000042',
  'pending-then-success': '9704150000000059',
  late: '9704150000000067',
  duplicate: '9704150000000075',
  'wrong-amount': '9704150000000083',
  tampered: '9704150000000091',
} as const
export type VietinbankWay = keyof typeof testCards

/** Status codes of this simulator; only `00` is public (rails.md §3.3), a bank's own table comes with the contract. */
export const codes = {
  ok: ['00', 'Success'],
  badSignature: ['01', 'Invalid signature'],
  repeatedRequest: ['07', 'Duplicate request id'],
  locked: ['10', 'Too many wrong codes'],
  codeExpired: ['12', 'Code expired'],
  wrongCode: ['13', 'Wrong code'],
  processing: ['20', 'Processing'],
  noFunds: ['51', 'Insufficient funds'],
  notFound: ['91', 'Transaction not found'],
  malformed: ['99', 'Malformed request'],
} as const
export type Code = keyof typeof codes

export type VietinbankPayment = {
  readonly requestId: string
  readonly amount: bigint
  readonly billNo: string
  readonly remark: string
  readonly way: VietinbankWay
  readonly otp: string
  readonly codeSentAt: Date
  wrongCodes: number
  state: 'processing' | 'ok' | 'locked' | 'codeExpired' | 'noFunds'
  /** The code was right and the bank has not booked yet. */
  isBooking: boolean
  bankTransactionId: string
}

export type Answer = {
  readonly code: Code
  readonly bankTransactionId?: string
  /** The effect is there and no answer is sent. */
  readonly silent?: boolean
}

export type PaymentBook = {
  readonly payments: ReadonlyMap<string, VietinbankPayment>
  answer(call: VietinbankCall, fields: Fields): Answer
}

const codeLifeMs = 5 * 60 * 1000
const mostWrongCodes = 3

export function createPaymentBook(
  { timers, random }: SandboxContext,
  bank: {
    readonly now: () => Date
    readonly pendingMs: number
    /** Moves the money and tells of it; returns the bank's transaction id. */
    readonly debit: (payment: VietinbankPayment) => string
    /** Tells of a debit that never was, as somebody else would. */
    readonly forge: (payment: VietinbankPayment) => void
  },
): PaymentBook {
  const payments = new Map<string, VietinbankPayment>()

  function settle(payment: VietinbankPayment): void {
    payment.bankTransactionId = bank.debit(payment)
    payment.state = 'ok'
  }

  function confirmed(payment: VietinbankPayment): void {
    switch (payment.way) {
      case 'declined-after-code':
        payment.state = 'noFunds'
        return
      case 'tampered':
        payment.state = 'noFunds'
        bank.forge(payment)
        return
      case 'pending-then-success':
        payment.isBooking = true
        timers.after(bank.pendingMs, () => settle(payment))
        return
      default:
        settle(payment)
    }
  }

  const calls: Record<VietinbankCall, (fields: Fields) => Answer> = {
    paymentByOTP({ requestId = '', token = '', amount = '', currencyCode, billNo = '', remark = '' }) {
      if (!/^[1-9]\d{0,14}$/.test(amount) || currencyCode !== 'VND' || token === '') return { code: 'malformed' }
      const payment: VietinbankPayment = {
        ...{ requestId, billNo, remark, amount: BigInt(amount), way: wayOf(token) },
        otp: String(Buffer.from(random(4)).readUInt32BE(0) % 1_000_000).padStart(6, '0'),
        codeSentAt: bank.now(),
        ...{ wrongCodes: 0, isBooking: false, bankTransactionId: '' },
        state: token === testCards.fail ? 'noFunds' : 'processing',
      }
      keep(payments, requestId, payment)
      return { code: payment.state === 'processing' ? 'ok' : payment.state }
    },
    verifyPin({ otp, verifyTransactionId = '' }) {
      const payment = payments.get(verifyTransactionId)
      if (payment === undefined) return { code: 'notFound' }
      if (payment.state !== 'processing' || payment.isBooking) return standing(payment)
      if (bank.now().getTime() - payment.codeSentAt.getTime() > codeLifeMs) payment.state = 'codeExpired'
      else if (otp === payment.otp) confirmed(payment)
      else if (++payment.wrongCodes < mostWrongCodes) return { code: 'wrongCode' }
      else payment.state = 'locked'
      return {
        ...standing(payment),
        silent: payment.way === 'no-answer-after-debit' && payment.bankTransactionId !== '',
      }
    },
    transactionInquiry({ queryTransactionId = '' }) {
      const payment = payments.get(queryTransactionId)
      return payment === undefined ? { code: 'notFound' } : standing(payment)
    },
  }
  return { payments, answer: (call, fields) => calls[call](fields) }
}

function standing({ state, bankTransactionId }: VietinbankPayment): Answer {
  return { code: state, bankTransactionId }
}

function wayOf(token: string): VietinbankWay {
  for (const [way, card] of Object.entries(testCards)) if (card === token && isWay(way)) return way
  return 'success'
}

function isWay(text: string): text is VietinbankWay {
  return Object.hasOwn(testCards, text)
}
