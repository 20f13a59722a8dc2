import type { PreparedInvoice } from './prepare.ts'

export type InvoiceIdentity = {
  readonly issuer: string
  readonly id: string
  readonly version: number
  readonly supersedesId: string | null
  readonly payCode: string
  readonly issuedAt: Date
}

/**
 * The signed content of an invoice: every field that leads money somewhere (domain.md §6.2). No personal data: a signature
 * stays verifiable for ever, a name must be erasable. Member order is fixed by this function; contracts/jws-profiles.md.
 */
export function invoiceDocument(prepared: PreparedInvoice, identity: InvoiceIdentity): object {
  const { beneficiary, pricing } = prepared
  return {
    iss: identity.issuer,
    invoiceId: identity.id,
    version: identity.version,
    supersedesId: identity.supersedesId,
    dossierCode: prepared.dossierCode,
    procedureCode: prepared.procedureCode,
    collectingAgencyCode: prepared.collectingAgencyCode,
    resolvingAgencyCode: prepared.resolvingAgencyCode,
    creditor: { name: beneficiary.creditorName, taxCode: beneficiary.creditorTaxCode },
    beneficiary: {
      accountId: beneficiary.id,
      bankBin: beneficiary.bankBin,
      accountNumber: beneficiary.accountNumber,
      accountName: beneficiary.accountName,
    },
    items: pricing.items.map((item) => ({
      lineNo: item.lineNo,
      rateId: item.rateId,
      rateVersion: item.rateVersion,
      kind: item.kind,
      nameVi: item.nameVi,
      quantity: item.quantity,
      gross: Number(item.gross),
      adjustmentId: item.adjustmentId,
      reductionAmount: Number(item.reductionAmount),
      net: Number(item.net),
      economicCode: item.economicCode,
      taxObligationId: item.taxObligationId,
      decision: item.decision,
    })),
    // Amounts are bounded by maxVnd, far inside what JSON numbers hold exactly.
    total: Number(pricing.total),
    currency: 'VND',
    payCode: identity.payCode,
    issuedAt: identity.issuedAt.toISOString(),
    dueAt: prepared.dueAt?.toISOString() ?? null,
    expiresAt: prepared.expiresAt.toISOString(),
  }
}
