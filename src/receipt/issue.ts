/**
 * Issues receipts with our own numbers, right after the money came. Number, signature, event and journal are one commit with
 * the counter: a killed or rolled back issuer leaves neither a gap nor a double.
 */
import type { Logger } from 'pino'
import { eventText } from '../domain/event.ts'
import { nextNumber, type ReceiptRefusal, type ReceiptSeries, receiptYear } from '../domain/receipt.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { type Environment, newId } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import type { TokenSigner } from '../signing/tokens.ts'
import type { Database, Transaction } from '../store/database.ts'
import { appendEvents } from '../store/events.ts'
import { type BookInvoice, readInvoiceBook } from '../store/invoice-book.ts'
import { appendJournal } from '../store/journal.ts'
import { collectorsWithoutSeries, lockSeries, NoLettersError, openSeries, useNumbers } from '../store/receipt-series.ts'
import {
  claimForBuiltIn,
  type IssuedReceipt,
  markRelated,
  postpone,
  type ReceiptToIssue,
  writeIssued,
} from '../store/receipts-to-issue.ts'
import { contentOf } from './content.ts'

export type ReceiptOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly sign: TokenSigner
  /** Our public address: the `iss` of signed receipts. */
  readonly publicUrl: () => string
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

export type Numbered = {
  readonly receipt: ReceiptToIssue
  readonly invoice: BookInvoice
  readonly collectorName: string
  readonly series: Pick<ReceiptSeries, 'template' | 'symbol' | 'delegation'> & { readonly id: string | null }
  readonly number: number
  readonly issuedAt: Date
  readonly provider?: { readonly reference: string | null; readonly url: string | null }
}

/** Signed, written, told: all that makes a numbered receipt an issued one. The caller holds invoices, receipts and counter. */
export async function record(
  tx: Transaction,
  { environment, sign, publicUrl }: Pick<ReceiptOptions, 'environment' | 'sign' | 'publicUrl'>,
  numbered: readonly Numbered[],
): Promise<void> {
  if (numbered.length === 0) return
  const issued: IssuedReceipt[] = []
  for (const one of numbered) {
    const { document, feeName } = contentOf(one, publicUrl())
    issued.push({
      id: one.receipt.id,
      seriesId: one.series.id,
      template: one.series.template,
      symbol: one.series.symbol,
      number: one.number,
      issuedAt: one.issuedAt,
      issuedOn: businessDate(one.issuedAt),
      feeName,
      collectorName: one.collectorName,
      jws: await sign(document, 'feegate-receipt+jws'),
      providerReference: one.provider?.reference ?? null,
      providerUrl: one.provider?.url ?? null,
    })
  }
  await writeIssued(tx, issued)
  await markRelated(
    tx,
    issued.map(({ id }) => id),
  )
  await tell(tx, environment, numbered)
}

async function tell(tx: Transaction, environment: Environment, numbered: readonly Numbered[]): Promise<void> {
  const counts = new Map<string, number>()
  const events = numbered.map(({ receipt, invoice, collectorName, series, number, issuedAt }) => {
    const count = (counts.get(invoice.id) ?? 0) + 1
    counts.set(invoice.id, count)
    const id = newId(environment, 'evt')
    const sequence = invoice.eventSeq + count
    return {
      id,
      tenantId: invoice.tenantId,
      clientId: invoice.clientId,
      type: 'receipt.issued',
      invoiceId: invoice.id,
      invoiceSeq: sequence,
      createdAt: issuedAt,
      body: eventText({
        id,
        type: 'receipt.issued',
        occurredAt: issuedAt,
        sequence,
        invoice,
        receipt: {
          id: receipt.id,
          kind: receipt.kind,
          template: series.template,
          symbol: series.symbol,
          number,
          issuedAt,
          collectorName,
          collectorTaxCode: receipt.taxCode,
          amount: receipt.amount,
          relation: receipt.relation,
          relatesToId: receipt.relatesToId,
        },
      }),
    }
  })
  await tx.query(
    `UPDATE invoices i SET event_seq = i.event_seq + c.count FROM json_to_recordset($1::json) AS c(id text, count integer) WHERE i.id = c.id`,
    [JSON.stringify([...counts].map(([id, count]) => ({ id, count })))],
  )
  await appendEvents(tx, events)
  await appendJournal(
    tx,
    numbered.map(({ receipt, series, number, issuedAt }) => ({
      tenantId: receipt.tenantId,
      at: issuedAt,
      kind: 'receipt.issued',
      subject: receipt.id,
      actor: 'feegate',
      facts: {
        invoiceId: receipt.invoiceId,
        taxCode: receipt.taxCode,
        template: series.template,
        symbol: series.symbol,
        number,
        amount: receipt.amount.toString(),
        relatesToId: receipt.relatesToId,
      },
    })),
  )
}
