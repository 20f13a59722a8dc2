/** Who tells a gateway of the movements on an account. Each source proves its notices in its own way and reads answers in its own way. */
import type { CallbackAnswer, CallbackRequest, Judgement, Notifier } from '../notifier.ts'

/** One movement on the collection account. */
export type Movement = {
  readonly id: number
  readonly direction: 'in' | 'out'
  /** VND. */
  readonly amount: bigint
  readonly content: string
  /** The pay code found in the content. */
  readonly payCode: string | null
  readonly accountNumber: string
  readonly at: Date
  /** Of the account, after this movement. */
  readonly balance: bigint
  /** The bank's reference. */
  readonly reference: string
}

export type NoticeTerms = {
  /** Base address of the gateway's rail account. */
  readonly callbackUrl: string
  /** The source's own clock at the moment of sending. */
  readonly now: Date
  /** Another amount under the proof of the true one, or what comes closest to it. */
  readonly tampered: boolean
  /** A proof that proves nothing. */
  readonly badSignature: boolean
  readonly exchange: Notifier['exchange']
}

export type CreditSource = {
  readonly titleVi: string
  readonly titleEn: string
  /** `source` of the gateway's rail account. */
  config(): { readonly name: string }
  /** A text tells why there is nothing to send. */
  request(movement: Movement, terms: NoticeTerms): CallbackRequest | Promise<CallbackRequest | string>
  judge(answer: CallbackAnswer, movement: Movement, isForged: boolean): Judgement
  /** Sent when the callback address is registered, by sources that do so. */
  probe?(callbackUrl: string): CallbackRequest
  /** Waits before the repetitions. */
  readonly retryDelaysMs: readonly number[]
}

/** A positive or negative answer in JSON, known to the byte. */
export function judgeBody(answer: CallbackAnswer, expected: { status: readonly number[]; body: string }): Judgement {
  const isExact =
    expected.status.includes(answer.status) &&
    answer.body === expected.body &&
    /^application\/json\b/.test(answer.contentType)
  return { asExpected: isExact, ends: answer.status >= 200 && answer.status < 300, meaning: `HTTP ${answer.status}` }
}
