/** A receipt as portals and officers see it. */
import { z } from 'zod'
import { receiptStatuses } from '../domain/receipt.ts'
import type { ReceiptRecord } from '../store/receipts.ts'

const time = z.string().meta({ description: 'RFC 3339 UTC', format: 'date-time' })

export const receiptAnswer = z
  .object({
    id: z.string(),
    invoiceId: z.string(),
    dossierCode: z.string(),
    kind: z.enum(['PHI', 'LE_PHI']),
    status: z
      .enum(receiptStatuses)
      .meta({ description: 'REQUESTED has no number yet; the payment is valid all the same' }),
    amount: z.number().int().meta({ description: 'Whole VND; below zero when it takes something back' }),
    currency: z.literal('VND'),
    collector: z.object({ agencyCode: z.string(), name: z.string().nullable(), taxCode: z.string() }),
    template: z.string().nullable(),
    symbol: z.string().nullable(),
    number: z.number().int().nullable(),
    issuedAt: time.nullable(),
    relation: z.enum(['ADJUSTS', 'REPLACES']).nullable(),
    relatesToId: z.string().nullable(),
    reason: z.string().nullable(),
    jws: z.string().nullable().meta({ description: 'The signed receipt (contracts/jws-profiles.md)' }),
    url: z.string().nullable().meta({ description: 'The receipt as a page to show and print' }),
    providerUrl: z.string().nullable().meta({ description: "The provider's own page, if another numbers" }),
  })
  .meta({ id: 'Receipt' })

export type ReceiptAnswer = z.infer<typeof receiptAnswer>

export function receiptAnswerOf(receipt: ReceiptRecord, publicUrl: string): ReceiptAnswer {
  return {
    id: receipt.id,
    invoiceId: receipt.invoiceId,
    dossierCode: receipt.dossierCode,
    // The database knows no others: only fees and charges get a receipt.
    kind: receipt.kind === 'PHI' ? 'PHI' : 'LE_PHI',
    status: receipt.status,
    amount: Number(receipt.amount),
    currency: 'VND',
    collector: { agencyCode: receipt.agencyCode, name: receipt.collectorName, taxCode: receipt.collectorTaxCode },
    template: receipt.template,
    symbol: receipt.symbol,
    number: receipt.number,
    issuedAt: receipt.issuedAt?.toISOString() ?? null,
    relation: receipt.relation,
    relatesToId: receipt.relatesToId,
    reason: receipt.reason,
    jws: receipt.jws,
    url: receipt.number === null ? null : `${publicUrl}/pay/${receipt.payToken}/receipts/${receipt.id}`,
    providerUrl: receipt.providerUrl,
  }
}
