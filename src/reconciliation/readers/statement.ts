/**
 * What every statement reader yields, whatever the file's format: one `statement`, its entries one at a time, one `end`.
 * Warnings and problems come in between, in the order of the file. Texts are trimmed; `null` means the file does not say.
 */
export type StatementFormat = 'api' | 'MT940' | 'MT942' | 'camt.052' | 'camt.053' | 'camt.054' | 'csv' | 'xlsx'

/** Signed: below zero is a debit balance. `intermediate` on a page that another page follows or precedes (60M/62M, `INTM`). */
export type Balance = {
  readonly amount: string
  readonly currency: string | null
  /** `YYYY-MM-DD`. */
  readonly date: string | null
  readonly intermediate: boolean
  readonly line: number
}

export type StatementHeader = {
  readonly format: StatementFormat
  /** Version of the format where it has one: `02` … `13` for camt. */
  readonly version: string | null
  /** Place in the file, from 1. */
  readonly ordinal: number
  readonly line: number
  readonly account: string | null
  readonly currency: string | null
  /** The bank's own id: `:28C:` number/sequence, or camt `Id`. */
  readonly statementId: string | null
  /** Id of the message that carries it: `:20:`, or camt `MsgId`. */
  readonly messageId: string | null
  readonly sequence: string | null
  /** `YYYY-MM-DD`, both ends inside. MT9xx: dates of the balances. */
  readonly periodFrom: string | null
  readonly periodTo: string | null
  /** May be known only in the footer, when a file gives balances last. */
  readonly opening: Balance | null
}

/** Effect on the account: a reversed credit is a `DEBIT`. */
export type Direction = 'CREDIT' | 'DEBIT'
/** Only `BOOK` moved the balance (statements.md §2). */
export type EntryStatus = 'BOOK' | 'PDNG' | 'INFO'

export type StatementEntry = {
  /** Place in the statement, from 1. */
  readonly ordinal: number
  readonly line: number
  readonly valueDate: string | null
  readonly bookingDate: string | null
  readonly direction: Direction
  readonly reversal: boolean
  /** Unsigned decimal with a point. */
  readonly amount: string
  readonly currency: string | null
  readonly status: EntryStatus
  readonly bankReference: string | null
  readonly customerReference: string | null
  readonly endToEndId: string | null
  /** Joined for matching: wrapped lines without a gap. */
  readonly remittance: string
  /** As the bank wrote it, lines apart. */
  readonly remittanceRaw: string
  readonly counterpartyName: string | null
  readonly counterpartyAccount: string | null
  readonly typeCode: string | null
  /** Payments inside one booking (camt batches); empty elsewhere. */
  readonly details: readonly EntryDetail[]
  /** Source text; control bytes shown as U+2400 pictures; cut at `maxRawLength`. */
  readonly raw: string
}

export type EntryDetail = {
  readonly ordinal: number
  readonly line: number
  readonly direction: Direction
  /** Null when the bank gives no amount for this payment. */
  readonly amount: string | null
  readonly currency: string | null
  readonly bankReference: string | null
  readonly endToEndId: string | null
  readonly transactionId: string | null
  readonly instructionId: string | null
  readonly uetr: string | null
  readonly structuredReferences: readonly string[]
  readonly remittance: string
  readonly remittanceRaw: string
  readonly counterpartyName: string | null
  readonly counterpartyAccount: string | null
  /** Reason code of a returned payment. */
  readonly returnReason: string | null
}

export type Side = { readonly count: number; readonly sum: string }

export type StatementFooter = {
  readonly line: number
  readonly opening: Balance | null
  readonly closing: Balance | null
  /** Every entry, whatever its status. */
  readonly entries: number
  readonly credits: Side
  readonly debits: Side
  /** The part of those that has not moved the balance (pending, information). */
  readonly notBooked: { readonly credits: Side; readonly debits: Side }
  /** Earliest and latest booking date (value date where there is none) among the entries. */
  readonly firstDate: string | null
  readonly lastDate: string | null
  /** Whether opening + booked entries = closing; `unchecked` when the format or the page gives no two balances. */
  readonly balance: 'holds' | 'broken' | 'unchecked'
  /** Text the bank wrote about the statement as a whole. */
  readonly information: string | null
}

/** `warning`: odd, and read all the same. `problem`: the file must not be booked. */
export type Remark<Code extends string = string> = {
  readonly code: Code
  readonly line: number
  readonly message: string
}

export type StatementEvent =
  | { readonly kind: 'statement'; readonly header: StatementHeader }
  | { readonly kind: 'entry'; readonly entry: StatementEntry }
  | { readonly kind: 'end'; readonly footer: StatementFooter }
  | { readonly kind: 'warning'; readonly remark: Remark<WarningCode> }
  | { readonly kind: 'problem'; readonly remark: Remark<ProblemCode> }

/** Turns bytes, in chunks of any size, into events. Throws `StatementRefused` when reading on makes no sense. */
export type StatementParser = {
  write(chunk: Uint8Array): StatementEvent[]
  end(): StatementEvent[]
}

/** Raw text of one entry beyond this is cut; the stored file keeps it whole. */
export const maxRawLength = 65_536

export type WarningCode = keyof typeof warningCodes
export type ProblemCode = keyof typeof problemCodes

export const warningCodes = {
  AMOUNT_NOTATION: 'amount is not written as the format says',
  BALANCE_GAP: 'opening balance is not the closing balance of the statement before it',
  CONTROL_BYTE: 'control bytes in a text',
  DATE_CLAMPED: 'no such day: the last day of the month was taken',
  DATE_ODD: 'date could not be read and is left out',
  DETAILS_INCOMPLETE: 'fewer payments are listed than the booking counts',
  DETAILS_DIFFER: 'the listed payments do not add up to the booking',
  DIRECTION_ODD: 'a payment runs against its booking',
  FIELD_LONG: 'field is longer than the format allows',
  FIELD_UNKNOWN: 'field is not part of the format',
  NOT_UTF8: 'bytes are not UTF-8 and were read as Windows-1252',
  PAGE_MISSING: 'another page of this statement is not in the file',
  ROW_IGNORED: 'row without date and amount',
  SEQUENCE_GAP: 'a page is numbered out of order',
  STATUS_UNKNOWN: 'status is not known: counted as information',
} as const

export const problemCodes = {
  ACCOUNT_CHANGED: 'the account changes inside a statement',
  ACCOUNT_DAMAGED: 'account number lost digits',
  ACCOUNT_MISSING: 'no account',
  AMOUNT_UNREADABLE: 'amount cannot be read',
  BALANCE_BROKEN: 'opening balance plus entries is not the closing balance',
  BALANCE_MISSING: 'a balance is missing, so the statement may be cut short',
  BALANCE_UNREADABLE: 'balance cannot be read',
  BATCH_TOTAL: 'batch total is not the sum of its payments',
  CONTROL_TOTAL: 'declared number or sum differs from the entries',
  CURRENCY_MIXED: 'more than one currency in a statement',
  DATE_UNREADABLE: 'date cannot be read',
  DIRECTION_UNREADABLE: 'credit or debit cannot be told',
  ENTRY_UNREADABLE: 'entry cannot be read',
  PAGE_BROKEN: 'page does not go on where the page before it ended',
  REFERENCE_DAMAGED: 'reference was turned into a number by a spreadsheet',
  STATEMENT_MISSING: 'no statement in the file',
  STATEMENT_UNNAMED: 'entry or balance outside a statement',
} as const
