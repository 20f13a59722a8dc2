/**
 * Issues receipts with our own numbers, right after the money came. Number, signature, event and journal are one commit with
 * the counter: a killed or rolled back issuer leaves neither a gap nor a double.
 */
import type { Logger } from 'pino'
import { nextNumber, type ReceiptRefusal, receiptYear } from '../domain/receipt.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { newId } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import { type Database, isCutShort, StoreUnavailableError, type Transaction } from '../store/database.ts'
import { readInvoiceBook } from '../store/invoice-book.ts'
import { collectorsWithoutSeries, lockSeries, NoLettersError, openSeries, useNumbers } from '../store/receipt-series.ts'
import { claimForBuiltIn, postpone, type ReceiptToIssue } from '../store/receipts-to-issue.ts'
import { type Numbered, type RecordOptions, record } from './record.ts'

export type ReceiptOptions = RecordOptions & {
  readonly database: Database
  readonly metrics: Metrics
  readonly log: Logger
}

/** Receipts numbered in one commit: the counter of their agency is held that long. */
const batchSize = 100
/** Until a receipt that cannot be issued is tried again. */
const refusedWaitMs = 5 * 60_000

/** One round. Returns how many were issued. */
export async function issueDue(options: ReceiptOptions): Promise<number> {
  await openMissingSeries(options)
  try {
    return await issueBatch(options, batchSize, null)
  } catch (error) {
    // No receipt is at fault: the next round finds them as they are.
    if (error instanceof StoreUnavailableError || isCutShort(error)) throw error
    options.log.warn({ err: error }, 'receipts could not be issued together; each on its own')
    return await issueOneByOne(options)
  }
}

/** One bad receipt must not hold up its neighbours. */
async function issueOneByOne(options: ReceiptOptions): Promise<number> {
  const { database, environment, log } = options
  const now = environment.now()
  const due = await database.query<{ id: string }>(
    `SELECT id FROM receipts WHERE status = 'REQUESTED' AND (next_try_at IS NULL OR next_try_at <= $1) ORDER BY requested_at, id LIMIT $2`,
    [now, batchSize],
  )
  let issued = 0
  for (const { id } of due) {
    try {
      issued += await issueBatch(options, 1, [id])
    } catch (error) {
      if (error instanceof StoreUnavailableError || isCutShort(error)) throw error
      log.error({ err: error, receiptId: id }, 'receipt cannot be issued')
      const reason = error instanceof Error ? error.message.slice(0, 300) : String(error)
      await postpone(database, [{ id, error: reason, nextTryAt: new Date(now.getTime() + refusedWaitMs) }])
    }
  }
  return issued
}

async function openMissingSeries({ database, environment, log }: ReceiptOptions): Promise<void> {
  const year = receiptYear(environment.now())
  for (const collector of await collectorsWithoutSeries(database, year)) {
    try {
      await database.transaction((tx) => openSeries(tx, collector, year, () => newId(environment, 'rsr')))
    } catch (error) {
      // Its receipts are refused as NO_SERIES below, with the alarm that comes with it.
      if (!(error instanceof NoLettersError)) throw error
      log.error({ agencyCode: collector.agencyCode, err: error }, 'no receipt symbol for this agency')
    }
  }
}

async function issueBatch(options: ReceiptOptions, limit: number, only: readonly string[] | null): Promise<number> {
  const { database, environment, metrics, log } = options
  const { issued, refused } = await database.transaction(async (tx) => {
    const receipts = await claimForBuiltIn(tx, environment.now(), limit, only)
    return receipts.length === 0 ? { issued: 0, refused: [] } : await issueLocked(tx, options, receipts)
  })
  // After the commit only: what was rolled back did not happen.
  metrics.receipts.inc({ result: 'issued' }, issued)
  for (const { receipt, refusal } of refused) {
    metrics.receipts.inc({ result: refusal })
    log.error({ receiptId: receipt.id, agencyCode: receipt.agencyCode, refusal }, 'receipt cannot be issued: it waits')
  }
  return issued
}

type Refused = { readonly receipt: ReceiptToIssue; readonly refusal: ReceiptRefusal }

async function issueLocked(
  tx: Transaction,
  options: ReceiptOptions,
  receipts: readonly ReceiptToIssue[],
): Promise<{ issued: number; refused: Refused[] }> {
  const { environment } = options
  const year = receiptYear(environment.now())
  const agencyCodes = [...new Set(receipts.map(({ agencyCode }) => agencyCode))]
  const series = await lockSeries(tx, agencyCodes, year)
  // Read after the lock. Should the year have turned while we waited, the next round takes the new year's series.
  const now = environment.now()
  if (receiptYear(now) !== year) return { issued: 0, refused: [] }
  const invoices = new Map(
    (
      await readInvoiceBook(
        tx,
        receipts.map(({ invoiceId }) => invoiceId),
      )
    ).map((book) => [book.id, book]),
  )
  const numbered: Numbered[] = []
  const refused: Refused[] = []
  const refuse = (receipt: ReceiptToIssue, refusal: ReceiptRefusal): void => void refused.push({ receipt, refusal })
  for (const receipt of receipts) {
    const invoice = invoices.get(receipt.invoiceId)
    const { collectorName } = receipt
    if (invoice === undefined || collectorName === null) {
      refuse(receipt, 'COLLECTOR_UNKNOWN')
      continue
    }
    const usable = series.filter(
      ({ agencyCode, taxCode }) => agencyCode === receipt.agencyCode && taxCode === receipt.taxCode,
    )
    const next = nextNumber(usable, businessDate(now), receipt.delegated)
    if (!next.ok) {
      refuse(receipt, next.refusal)
      continue
    }
    const place = series.findIndex(({ id }) => id === next.series.id)
    const before = series[place]
    if (before === undefined) continue
    const issuedAt = before.usedAt !== null && before.usedAt > now ? before.usedAt : now
    series[place] = { ...before, usedNumber: next.number, usedAt: issuedAt }
    numbered.push({ receipt, invoice, collectorName, series: next.series, number: next.number, issuedAt })
  }
  const used = new Set(numbered.map(({ series: { id } }) => id))
  await useNumbers(
    tx,
    series.flatMap(({ id, usedNumber, usedAt }) =>
      usedAt === null || !used.has(id) ? [] : [{ id, usedNumber, usedAt }],
    ),
  )
  await record(tx, options, numbered)
  const nextTryAt = new Date(now.getTime() + refusedWaitMs)
  if (refused.length > 0)
    await postpone(
      tx,
      refused.map(({ receipt, refusal }) => ({ id: receipt.id, error: refusal, nextTryAt })),
    )
  return { issued: numbered.length, refused }
}
