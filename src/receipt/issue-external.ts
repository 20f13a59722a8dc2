/**
 * Asks external providers for receipts. A receipt is claimed by moving its next try, asked for outside any transaction under
 * its own id as key, and written as issued only with a number in hand: "success without number" stays REQUESTED.
 */
import { receiptTemplate } from '../domain/receipt.ts'
import type { HttpCaller } from '../network/http-caller.ts'
import type { Vault } from '../secrets/vault.ts'
import { errorCode } from '../store/database.ts'
import { readInvoiceBook } from '../store/invoice-book.ts'
import { lockReceipts, postpone, type ReceiptToIssue } from '../store/receipts-to-issue.ts'
import { contentOf } from './content.ts'
import { httpProvider } from './http-provider.ts'
import type { ReceiptOptions } from './issue.ts'
import type { ProviderAnswer, ProviderRequest, ReceiptProvider } from './provider.ts'
import { openProvider, type ProviderColumns } from './provider-secrets.ts'
import { record } from './record.ts'

export type ExternalOptions = ReceiptOptions & { readonly call: HttpCaller; readonly vault: Vault }

/** Receipts asked for at a time by one process. */
const claimSize = 16
/** A claim of a process that died is taken up again after this; longer than any call takes. */
const leaseMs = 90_000
const firstWaitMs = 15_000
const longestWaitMs = 15 * 60_000
const uniqueViolation = '23505'

type Claimed = ProviderColumns & {
  readonly id: string
  readonly invoiceId: string
  readonly tries: number
  readonly tenantId: string
  readonly agencyCode: string
}

/** One round. Returns how many were asked for. */
export async function askProviders(options: ExternalOptions): Promise<number> {
  const { database, environment } = options
  const now = environment.now()
  const claimed = await database.query<Claimed>(
    `UPDATE receipts r SET tries = r.tries + 1, next_try_at = $2
       FROM (SELECT c.id, s.tenant_id, s.agency_code, s.provider, s.master_key_id, s.data_key, s.sealed FROM receipts c JOIN invoices i ON i.id = c.invoice_id
               JOIN receipt_issuers s ON s.agency_code = i.collecting_agency_code
               LEFT JOIN receipts o ON o.id = c.relates_to_id
              WHERE c.status = 'REQUESTED' AND (c.next_try_at IS NULL OR c.next_try_at <= $1) AND s.provider ->> 'kind' <> 'built-in'
                AND (o.id IS NULL OR o.number IS NOT NULL)
              ORDER BY c.requested_at, c.id LIMIT ${claimSize} FOR UPDATE OF c SKIP LOCKED) due
      WHERE r.id = due.id RETURNING r.id, r.invoice_id AS "invoiceId", r.tries, due.tenant_id AS "tenantId",
            due.agency_code AS "agencyCode", due.provider, due.master_key_id, due.data_key, due.sealed`,
    [now, new Date(now.getTime() + leaseMs)],
  )
  await Promise.all(claimed.map((one) => askOne(options, one)))
  return claimed.length
}

async function askOne(options: ExternalOptions, claimed: Claimed): Promise<void> {
  const { database, environment, metrics, log } = options
  const child = log.child({ receiptId: claimed.id })
  const again = async (error: string): Promise<void> => {
    const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(claimed.tries - 1, 20))
    const nextTryAt = new Date(environment.now().getTime() + wait)
    // The claim has counted this try.
    await database.query(
      `UPDATE receipts SET last_error = $2, next_try_at = $3 WHERE id = $1 AND status = 'REQUESTED'`,
      [claimed.id, error.slice(0, 300), nextTryAt],
    )
  }
  try {
    const config = await openProvider(options.vault, claimed)
    if (config === null || config.kind === 'built-in') {
      child.error('the receipt provider of this agency has no usable configuration')
      await again('PROVIDER_CONFIG')
      return
    }
    const asked = await ask(options, claimed, httpProvider(config, options.call))
    if (asked === null) return
    switch (asked.kind) {
      case 'issued':
        await recordAnswer(options, claimed, asked)
        metrics.receipts.inc({ result: 'issued' })
        return
      case 'withoutNumber':
        metrics.receipts.inc({ result: 'without_number' })
        child.warn(
          { reference: asked.reference },
          'the provider took the receipt and gave no number: it is asked again',
        )
        await again('WITHOUT_NUMBER')
        return
      case 'refused':
        metrics.receipts.inc({ result: 'provider_refused' })
        child.error({ detail: asked.detail }, 'the receipt provider refused')
        await again(`PROVIDER_REFUSED ${asked.detail}`)
        return
    }
  } catch (error) {
    const taken = errorCode(error) === uniqueViolation
    metrics.receipts.inc({ result: taken ? 'number_taken' : 'provider_error' })
    if (taken) child.error({ err: error }, 'the provider gave a number that another receipt has')
    else child.warn({ err: error }, 'the receipt provider gave no answer: it is asked again')
    await again(taken ? 'NUMBER_TAKEN' : 'PROVIDER_AWAY')
  }
}

async function ask(
  { database, publicUrl, environment }: ExternalOptions,
  { id, invoiceId }: Claimed,
  provider: ReceiptProvider,
): Promise<ProviderAnswer | null> {
  // Read under the locks that change it, and let go before the call.
  const request = await database.transaction(async (tx) => {
    await tx.query('SELECT id FROM invoices WHERE id = $1 FOR UPDATE', [invoiceId])
    const [receipt] = await lockReceipts(tx, [id])
    const [invoice] = await readInvoiceBook(tx, [invoiceId])
    if (receipt === undefined || invoice === undefined) return null
    const unnumbered = { template: receiptTemplate, symbol: '', delegation: null, id: null }
    const { document } = contentOf(
      {
        receipt,
        invoice,
        collectorName: receipt.collectorName ?? '',
        series: unnumbered,
        number: 0,
        issuedAt: environment.now(),
      },
      publicUrl(),
    )
    return requestOf(receipt, document.items)
  })
  return request === null ? null : await provider(request)
}

function requestOf(
  receipt: ReceiptToIssue,
  items: readonly { readonly name: string; readonly economicCode: string | null; readonly amount: number }[],
): ProviderRequest {
  const { related, relation } = receipt
  return {
    key: receipt.id,
    agencyCode: receipt.agencyCode,
    collectorTaxCode: receipt.taxCode,
    kind: receipt.kind,
    template: receiptTemplate,
    payerName: receipt.payerName,
    dossierCode: receipt.dossierCode,
    items: items.map((item) => ({ ...item, amount: BigInt(item.amount) })),
    total: receipt.amount,
    paidAt: receipt.paidAt,
    related:
      related === null || relation === null
        ? null
        : { relation, template: related.template, symbol: related.symbol, number: related.number },
    reason: receipt.reason,
  }
}

async function recordAnswer(
  options: ExternalOptions,
  { id, invoiceId }: Claimed,
  answer: Extract<ProviderAnswer, { kind: 'issued' }>,
): Promise<void> {
  const { database, environment, log } = options
  await database.transaction(async (tx) => {
    await tx.query('SELECT id FROM invoices WHERE id = $1 FOR UPDATE', [invoiceId])
    const [receipt] = await lockReceipts(tx, [id])
    const [invoice] = await readInvoiceBook(tx, [invoiceId])
    // Another process was faster.
    if (receipt === undefined || invoice === undefined) return
    if (receipt.collectorName === null) {
      log.error({ receiptId: id }, 'receipt of a collector that is not on record')
      await postpone(tx, [
        { id, error: 'COLLECTOR_UNKNOWN', nextTryAt: new Date(environment.now().getTime() + longestWaitMs) },
      ])
      return
    }
    await record(tx, options, [
      {
        receipt,
        invoice,
        collectorName: receipt.collectorName,
        series: { id: null, template: answer.template, symbol: answer.symbol, delegation: null },
        number: answer.number,
        issuedAt: answer.issuedAt ?? environment.now(),
        provider: { reference: answer.reference, url: answer.url },
      },
    ])
  })
}
