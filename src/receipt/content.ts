import { type ReceiptDocument, receiptDocument } from '../domain/receipt-document.ts'
import type { Numbered } from './record.ts'

/** What a numbered receipt says, and the fee name under which the daily summary lists it. */
export function contentOf(
  { receipt, invoice, collectorName, series, number, issuedAt }: Numbered,
  issuer: string,
): { document: ReceiptDocument; feeName: string } {
  const fees = invoice.items.filter(
    ({ kind, creditorTaxCode, net }) => kind === receipt.kind && creditorTaxCode === receipt.taxCode && net > 0n,
  )
  const names = [...new Set(fees.map(({ nameVi }) => nameVi))].join('; ')
  const { related } = receipt
  const document = receiptDocument({
    issuer,
    receiptId: receipt.id,
    kind: receipt.kind,
    template: series.template,
    symbol: series.symbol,
    number,
    issuedAt,
    collector: {
      agencyCode: receipt.agencyCode,
      name: collectorName,
      taxCode: receipt.taxCode,
      address: receipt.collectorAddress,
    },
    agent: series.delegation?.agent ?? null,
    payerName: receipt.payerName,
    invoiceId: receipt.invoiceId,
    dossierCode: invoice.dossierCode,
    procedureName: receipt.procedureName,
    items:
      receipt.relation === 'ADJUSTS'
        ? [{ name: `Điều chỉnh giảm: ${names}`, economicCode: sharedCode(fees), amount: receipt.amount }]
        : fees.map(({ nameVi, economicCode, net }) => ({ name: nameVi, economicCode, amount: net })),
    total: receipt.amount,
    payment: { settlementId: receipt.settlementId, paidAt: receipt.paidAt, rail: receipt.rail },
    related:
      related === null || receipt.relation === null
        ? null
        : { ...related, relation: receipt.relation, issuedAt: new Date(related.issuedAt) },
    reason: receipt.reason,
  })
  return { document, feeName: names }
}

/** One code when all fees are under it; which of several a refund touched is the refund's to say. */
function sharedCode(fees: readonly { readonly economicCode: string | null }[]): string | null {
  const codes = new Set(fees.map(({ economicCode }) => economicCode))
  const [only] = codes
  return codes.size === 1 ? (only ?? null) : null
}
