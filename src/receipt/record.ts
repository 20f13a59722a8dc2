/** Makes a numbered receipt an issued one: signed, written, told and in the journal, in the caller's transaction. */
import { eventText } from '../domain/event.ts'
import type { ReceiptSeries } from '../domain/receipt.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { type Environment, newId } from '../environment.ts'
import { documentHash } from '../journal/proof.ts'
import type { TokenSigner } from '../signing/tokens.ts'
import type { Transaction } from '../store/database.ts'
import { appendEvents } from '../store/events.ts'
import type { BookInvoice } from '../store/invoice-book.ts'
import { appendJournal } from '../store/journal.ts'
import { type IssuedReceipt, markRelated, type ReceiptToIssue, writeIssued } from '../store/receipts-to-issue.ts'
import { contentOf } from './content.ts'

export type RecordOptions = {
  readonly environment: Environment
  readonly sign: TokenSigner
  /** Our public address: the `iss` of signed receipts. */
  readonly publicUrl: () => string
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

/** The caller holds invoices, receipts and counter. */
export async function record(
  tx: Transaction,
  { environment, sign, publicUrl }: RecordOptions,
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
  await tell(tx, environment, numbered, new Map(issued.map(({ id, jws }) => [id, jws])))
}

async function tell(
  tx: Transaction,
  environment: Environment,
  numbered: readonly Numbered[],
  documents: ReadonlyMap<string, string>,
): Promise<void> {
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
        documentSha256: documentHash(documents.get(receipt.id) ?? ''),
      },
    })),
  )
}
