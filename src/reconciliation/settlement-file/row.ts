/**
 * One row of a rail's settlement or reconciliation file, whatever the rail's layout (statements.md §3). Readers of layouts
 * yield these; tables and matching know nothing else of the rail.
 */
import { z } from 'zod'
import { maxVnd } from '../../domain/money.ts'

/** `SUCCEEDED` adds to what the rail owes, `REVERSED` takes back what an earlier row added, the others move nothing. */
export const settlementRowStatuses = ['SUCCEEDED', 'REVERSED', 'FAILED', 'PENDING'] as const
export type SettlementRowStatus = (typeof settlementRowStatuses)[number]

/** The readers are ours, the bytes are not: every row passes this once, on its way into the tables. Amounts are whole VND. */
export const settlementRow = z.strictObject({
  /** Line of the file, from 1. */
  line: z.int().min(1),
  /** As the rail's callbacks give it, so that it equals `settlements.rail_transaction_id`. */
  railTransactionId: z.string().min(1).max(200),
  /** Our reference or pay code; null when the file does not carry it. */
  merchantRef: z.string().min(1).max(200).nullable(),
  /** Taken from the payer, kept by the rail, owed to the account. */
  gross: z.bigint().min(1n).max(maxVnd),
  fee: z.bigint().min(0n).max(maxVnd),
  net: z.bigint().min(-maxVnd).max(maxVnd),
  /** The payer's bank time. */
  occurredAt: z.date(),
  status: z.enum(settlementRowStatuses),
  /** The rows of a batch are paid out as one credit; null when each row is credited by itself. */
  batchId: z.string().min(1).max(200).nullable(),
  /** Day of the credit (`YYYY-MM-DD`, local), where the file tells. */
  valueDate: z.iso.date().nullable(),
  /** Source text of the row. */
  raw: z.string().max(65_536),
})
export type SettlementRow = z.infer<typeof settlementRow>

/** A row that cannot be trusted: the file is refused whole. */
export type SettlementFileProblem = { readonly line: number; readonly message: string }

export type SettlementFileEvent =
  | { readonly kind: 'row'; readonly row: SettlementRow }
  | { readonly kind: 'problem'; readonly problem: SettlementFileProblem }

/** What we tell a rail about a row of its file, or about a payment of its day that the file lacks. */
export type AnsweredRow = {
  readonly verdict: 'BOTH' | 'RAIL_ONLY' | 'OURS_ONLY' | 'DIFFERENT'
  /** Source text of the row; null when the file lacks it. */
  readonly raw: string | null
  /** The payment on record; null when there is none. */
  readonly own: { readonly railTransactionId: string; readonly amount: bigint; readonly paidAt: Date } | null
}
export type SettlementAnswer = { readonly name: string; readonly text: AsyncIterable<string> }

/**
 * A reader of one layout: bytes in, rows out, in constant memory. It checks what the layout lets it check (trailer, counts,
 * checksums) and yields problems for what does not hold. `config` is the rail account's own, already checked by its adapter.
 */
export type SettlementFileReader = {
  /** Name of the layout, as a source names it: `vnpay`, `napas`, `vietinbank`, … */
  readonly layout: string
  readonly read: (bytes: AsyncIterable<Uint8Array>, config: unknown) => AsyncIterable<SettlementFileEvent>
  /** Where the rail expects one: our answer file of a local day. Throws StatementRefused when the account lacks what it takes. */
  readonly answer?: (rows: AsyncIterable<AnsweredRow>, config: unknown, day: string, now: Date) => SettlementAnswer
}
