/**
 * The adapter contract: what a rail's folder must give so that the gateway can speak with that rail.
 *
 * An adapter is pure. It describes HTTP calls, the gateway makes them; it reads the bytes that arrived, the gateway
 * stores and settles them. No clock, no random, no network, no state: everything comes in as an argument.
 */
import type { z } from 'zod'
import type { Outcome } from '../src/domain/outcome.ts'

export type Channel = 'CARD' | 'ACCOUNT' | 'QR' | 'WALLET' | 'COUNTER' | 'PORTAL'

/** One account (terminal, merchant, collection account) that an agency holds at a rail. `config` has passed `accountSchema`. */
export type RailAccount<Config> = {
  readonly id: string
  readonly config: Config
}

/** What the gateway injects into every adapter call. */
export type AdapterContext = {
  readonly now: Date
  /** Unique per call, 1–32 characters `[a-z0-9]`; for rails that want a request id. */
  readonly requestId: string
  /** Address the rail sees us calling from, when a rail's message carries it. */
  readonly serverIp: string
}

/** An HTTP call the gateway makes for the adapter. */
export type HttpCall = {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whole call, connect to last byte. */
  readonly timeoutMs: number
  /** True when sending it twice has the same effect as once; only then may the gateway retry. */
  readonly repeatable: boolean
  /** The answer may be long (a statement): up to 64 MiB instead of 1. */
  readonly longAnswer?: true
}

export type HttpAnswer = {
  readonly status: number
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Either the result, or one more call to make; `state` is handed back with its answer and may hold secrets: it is never stored or logged. */
export type Step<T> =
  | { readonly kind: 'done'; readonly result: T }
  | { readonly kind: 'call'; readonly call: HttpCall; readonly state: unknown }

/** A request exactly as received. */
export type RawRequest = {
  readonly method: string
  /** What follows `/callbacks/{rail}/{account}`: empty, or begins with `/`. */
  readonly path: string
  /** Raw query text without `?`. */
  readonly query: string
  /** Lower-case names; repeated headers joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The exact HTTP answer a rail expects. */
export type HttpReply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the money is for, for rails that show it or print a receipt from it. From the invoice, never from the browser. */
export type BillView = {
  readonly beneficiary: { readonly accountNumber: string; readonly accountName: string; readonly bankBin: string }
  readonly agency: { readonly code: string; readonly name: string }
  readonly procedure: { readonly code: string; readonly name: string }
  readonly onlineServiceCode: string | null
  /** One line per fee, never merged (Law on fees, art. 14); they sum to the order's amount. */
  readonly lines: readonly {
    readonly kind: 'PHI' | 'LE_PHI' | 'TAX' | 'FINE' | 'POSTAGE'
    /** Economic code; null when the fee has none. */
    readonly code: string | null
    readonly name: string
    readonly amount: bigint
  }[]
  /** The minimum: who pays. Null when nobody is named. */
  readonly payerName: string | null
}

/** One attempt to pay, as the rail needs it. */
export type Order = {
  /** Our reference for this attempt, made by `merchantRef`. */
  readonly merchantRef: string
  readonly payCode: string
  readonly dossierCode: string
  readonly amount: bigint
  /** Latin letters, digits and single spaces (rails.md §2.4), dossier or pay code first; cut it to the rail's length. */
  readonly description: string
  readonly locale: 'vi' | 'en'
  readonly payerIp: string
  /** Where the rail sends the payer's browser back. */
  readonly returnUrl: string
  /** Base URL of this rail account's callbacks, `…/callbacks/{rail}/{account}`. */
  readonly callbackUrl: string
  readonly createdAt: Date
  readonly expiresAt: Date
  /** What the payer typed into `payerFields`. May be secret: never stored. */
  readonly payerInput: Readonly<Record<string, string>>
  /** Left out only where nobody starts a payment (a QR that is drawn). */
  readonly bill?: BillView
}

/** What was sent and is needed again for inquiry, confirmation or refund. Stored as JSON: no secrets in it. */
export type Sent = Readonly<Record<string, string>>

export type StartResult =
  | { readonly kind: 'redirect'; readonly url: string; readonly sent: Sent }
  | {
      readonly kind: 'form'
      readonly action: string
      readonly fields: Readonly<Record<string, string>>
      readonly sent: Sent
    }
  | {
      readonly kind: 'qr'
      /** EMVCo text to draw as a QR code. */
      readonly payload: string
      /** The same order for a payer who types it by hand. */
      readonly transfer?: {
        readonly bankBin: string
        readonly accountNumber: string
        readonly accountName: string
        readonly amount: bigint
        readonly content: string
      }
      readonly sent: Sent
    }
  | { readonly kind: 'otpChallenge'; readonly sent: Sent }
  /** The rail refused: no money can move on this attempt. */
  | { readonly kind: 'refused'; readonly railCode: string; readonly message: string; readonly sent: Sent }
  /** The answer does not tell (unreadable, unsigned, 5xx): the attempt is UNKNOWN and inquiry decides. */
  | { readonly kind: 'unknown'; readonly detail: string; readonly sent: Sent }

/** An attempt as stored, for inquiry, confirmation and refund. */
export type StoredAttempt = {
  readonly merchantRef: string
  readonly amount: bigint
  readonly createdAt: Date
  readonly sent: Sent
  readonly railTransactionId: string | null
}

export type ConfirmResult =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** Wrong one-time code; the payer may try again. */
  | { readonly kind: 'wrongCode'; readonly railCode: string }
  | { readonly kind: 'refused'; readonly railCode: string; readonly message: string }
  | { readonly kind: 'unknown'; readonly detail: string }

export type InquiryResult =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'stillPending' }
  /** The rail never saw this attempt. */
  | { readonly kind: 'notFound' }
  /** Unsigned, wrongly signed or unreadable: trusted for nothing. */
  | { readonly kind: 'unverified'; readonly detail: string }

export type RefundOrder = {
  readonly refundId: string
  readonly attempt: StoredAttempt
  readonly railTransactionId: string
  readonly paidAmount: bigint
  readonly amount: bigint
  readonly reason: string
  /** Who approved it; some rails carry an operator name. */
  readonly operator: string
}

export type RefundResult =
  | { readonly kind: 'done'; readonly railRefundId: string }
  | { readonly kind: 'accepted'; readonly railRefundId: string }
  | { readonly kind: 'refused'; readonly railCode: string; readonly message: string }
  | { readonly kind: 'unknown'; readonly detail: string }

/** The rail's own receipt of a payment that succeeded. */
export type ReceiptFileResult =
  | { readonly kind: 'file'; readonly contentType: string; readonly content: Uint8Array }
  /** The rail has none, or not yet. */
  | { readonly kind: 'notReady'; readonly detail: string }

/** A bank account over whole local days (`YYYY-MM-DD`), both included. */
export type StatementSpan = { readonly accountNumber: string; readonly from: string; readonly to: string }

export type StatementBooking = {
  /** The bank's own number of it. */
  readonly reference: string
  readonly bookedAt: Date
  readonly direction: 'CREDIT' | 'DEBIT'
  readonly amount: bigint
  readonly text: string
  /** What the bank says beside the text that may name what is paid: a virtual account. */
  readonly payeeReference: string | null
  readonly counterpartyName: string | null
  readonly counterpartyAccount: string | null
  /** As the bank sent it. */
  readonly raw: string
}

/** What a bank says of an account when it is asked; whole VND. All of it can be read, or none of it counts. */
export type StatementResult =
  | {
      readonly kind: 'statement'
      readonly accountNumber: string
      readonly currency: string | null
      readonly opening: bigint | null
      readonly closing: bigint | null
      readonly bookings: readonly StatementBooking[]
    }
  | { readonly kind: 'refused'; readonly railCode: string; readonly message: string }
  /** No answer that can be read or believed. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** The rail account has no such service. */
  | { readonly kind: 'notOffered' }

/** Why a request was refused. `signature` and `auth` read and change no payment state (I7). */
export type RefusalReason =
  | 'signature'
  | 'auth'
  | 'stale'
  | 'malformed'
  | 'repeated-field'
  | 'wrong-account'
  | 'wrong-currency'
  | 'unsupported'

export type CallbackReading =
  /** Verified, and it tells about a payment: goes through the settlement door. */
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** Verified, and it asks about or pays a bill (pull rails). */
  | { readonly kind: 'bill'; readonly request: BillRequest }
  /** Verified and of no concern (a debit, a probe): acknowledged, kept as evidence. */
  | { readonly kind: 'ignored'; readonly reason: string }
  /** Part of the rail's handshake (a token request): answered as it stands. */
  | { readonly kind: 'handshake'; readonly reply: HttpReply }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly detail: string }

/** A bank asks what a pay code owes (`inquire`) or takes back a payment of today (`reverse`). A bill payment arrives as an `outcome`. */
export type BillRequest =
  | { readonly kind: 'inquire'; readonly payCode: string; readonly echo: Readonly<Record<string, string>> }
  | {
      readonly kind: 'reverse'
      readonly reversalId: string
      readonly originalTransactionId: string
      readonly amount: bigint
      readonly reason: string
      readonly echo: Readonly<Record<string, string>>
    }

export type BillAnswer =
  | {
      readonly kind: 'payable'
      readonly payCode: string
      readonly amount: bigint
      readonly payerName: string
      readonly billId: string
    }
  | { readonly kind: 'notPayable'; readonly why: 'unknown' | 'paid' | 'expired' | 'closed' }
  | { readonly kind: 'reversed' | 'alreadyReversed' | 'originalUnknown' | 'tooLate' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'unavailable' }

/** What became of a callback; the adapter turns it into the rail's own acknowledgement. */
export type Verdict =
  /** Committed now, whether it told of success, failure or pending. */
  | { readonly kind: 'recorded'; readonly settlementId: string }
  /** The same rail transaction was committed before: nothing changed. */
  | { readonly kind: 'repeated'; readonly settlementId: string }
  /** The order was already final by another transaction; the money, if any, is on record. */
  | { readonly kind: 'alreadyFinal'; readonly settlementId: string }
  /** The amount is not the order's. On transfer rails the money is on record all the same. */
  | { readonly kind: 'amountMismatch'; readonly settlementId: string | null }
  /** No such reference of ours. Money, if any, is on record as an orphan. */
  | { readonly kind: 'unknownReference' }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** Our fault (store down, queue full): the rail must call again. */
  | { readonly kind: 'unavailable' }

/** A field the payer must fill in with us before `start` (OTP rails). */
export type PayerField = {
  readonly name: string
  readonly labelVi: string
  readonly labelEn: string
  readonly pattern: string
  readonly maxLength: number
  readonly secret: boolean
}

export type Capabilities = {
  /** The payer types the amount: less or more can arrive (domain.md §7.4). */
  readonly transfer: boolean
  readonly start: boolean
  readonly callback: boolean
  readonly inquiry: boolean
  readonly refund: 'none' | 'full' | 'partial'
  /**
   * What `inquireRefund` finds a refund by: our own reference of it (the default), or only its payment, of which the rail then
   * tells the newest refund. The second cannot always tell two refunds of one payment apart.
   */
  readonly refundFoundBy?: 'reference' | 'payment'
  readonly pull: boolean
  readonly statement: 'none' | 'file' | 'api'
  readonly minAmount: bigint
  readonly maxAmount: bigint
  readonly descriptionMaxLength: number
  /** Where the facts come from, e.g. `rails.md §1`. */
  readonly source: string
  /** Facts nobody could verify; each must be configuration. */
  readonly unverified: readonly string[]
}

export interface Adapter<Config = unknown> {
  /** Folder name and URL segment: `[a-z][a-z0-9-]*`. */
  readonly name: string
  readonly titleVi: string
  readonly titleEn: string
  readonly channels: readonly Channel[]
  readonly capabilities: Capabilities
  /** Config of one rail account. Strict: unknown keys are refused. */
  readonly accountSchema: z.ZodType<Config>
  /** Keys of the config that are secret: encrypted at rest, redacted everywhere. */
  readonly secretFields: readonly string[]
  /**
   * What the rail's messages call the account that received the money, e.g. `tmnCode DEMO0001`. No two accounts of a rail may share
   * one: a message would be true for both, and its money counted twice. Empty where the signed message names our own account id.
   */
  receivers(config: Config): readonly string[]
  readonly payerFields?: readonly PayerField[]

  /** Our reference for a new attempt: unique for ever because `sequence` is. Transfer rails return the pay code. */
  merchantRef(
    seed: { readonly sequence: bigint; readonly payCode: string; readonly now: Date },
    account: RailAccount<Config>,
  ): string

  start?(order: Order, account: RailAccount<Config>, context: AdapterContext): Step<StartResult>
  readStart?(
    answer: HttpAnswer,
    state: unknown,
    order: Order,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<StartResult>

  confirm?(
    attempt: StoredAttempt,
    code: string,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<ConfirmResult>
  readConfirm?(
    answer: HttpAnswer,
    state: unknown,
    attempt: StoredAttempt,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<ConfirmResult>

  /** Before verification, trusted for nothing: for logs and evidence only. */
  lookup(request: RawRequest): { readonly merchantRef: string | null; readonly accountHint: string | null }
  readCallback(request: RawRequest, account: RailAccount<Config>, context: AdapterContext): CallbackReading
  acknowledge(verdict: Verdict, request: RawRequest, account: RailAccount<Config>, context: AdapterContext): HttpReply
  /** Pull rails: the signed answer to a `bill` reading. */
  answerBill?(answer: BillAnswer, request: RawRequest, account: RailAccount<Config>, context: AdapterContext): HttpReply

  inquire?(attempt: StoredAttempt, account: RailAccount<Config>, context: AdapterContext): Step<InquiryResult>
  readInquiry?(
    answer: HttpAnswer,
    state: unknown,
    attempt: StoredAttempt,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<InquiryResult>

  /** The rail's own receipt file of a successful attempt; asking twice changes nothing. */
  receiptFile?(attempt: StoredAttempt, account: RailAccount<Config>, context: AdapterContext): Step<ReceiptFileResult>
  readReceiptFile?(
    answer: HttpAnswer,
    state: unknown,
    attempt: StoredAttempt,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<ReceiptFileResult>

  /** What the bank booked on an account; asking twice changes nothing. */
  statement?(span: StatementSpan, account: RailAccount<Config>, context: AdapterContext): Step<StatementResult>
  readStatement?(
    answer: HttpAnswer,
    state: unknown,
    span: StatementSpan,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<StatementResult>

  /**
   * The call that gives the money back is never `repeatable`, even where the rail would know a second one: what may be repeated
   * is taken for a step before it, and a refund that got no further is sent again.
   */
  refund?(refund: RefundOrder, account: RailAccount<Config>, context: AdapterContext): Step<RefundResult>
  readRefund?(
    answer: HttpAnswer,
    state: unknown,
    refund: RefundOrder,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<RefundResult>
  /** What became of a refund whose answer was `accepted` or `unknown`. */
  inquireRefund?(refund: RefundOrder, account: RailAccount<Config>, context: AdapterContext): Step<RefundResult>
  readRefundInquiry?(
    answer: HttpAnswer,
    state: unknown,
    refund: RefundOrder,
    account: RailAccount<Config>,
    context: AdapterContext,
  ): Step<RefundResult>
}
