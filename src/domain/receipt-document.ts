/**
 * What a receipt says (Decree 254/2026 art. 23, domain.md §11 R1). The payer's name is on it because the law wants it there;
 * nothing else about a person is. Member order is fixed by this function; contracts/jws-profiles.md.
 */
import { amountInVietnamese } from './amount-in-words.ts'
import type { Vnd } from './money.ts'
import type { ReceiptRelation } from './receipt.ts'
import { businessDate } from './vietnam-time.ts'

export type ReceiptNumber = { readonly template: string; readonly symbol: string; readonly number: number }

export type ReceiptFacts = ReceiptNumber & {
  readonly issuer: string
  readonly receiptId: string
  readonly kind: string
  readonly issuedAt: Date
  readonly collector: {
    readonly agencyCode: string
    readonly name: string
    readonly taxCode: string
    readonly address: string
  }
  /** Who issues in the collector's name, if another does. */
  readonly agent: { readonly name: string; readonly taxCode: string; readonly address: string } | null
  readonly payerName: string | null
  readonly invoiceId: string
  readonly dossierCode: string
  readonly procedureName: string
  readonly items: readonly { readonly name: string; readonly economicCode: string | null; readonly amount: Vnd }[]
  /** Below zero on a receipt that takes something back. */
  readonly total: Vnd
  readonly payment: { readonly settlementId: string; readonly paidAt: Date; readonly rail: string }
  readonly related: (ReceiptNumber & { readonly relation: ReceiptRelation; readonly issuedAt: Date }) | null
  readonly reason: string | null
}

/** As read back from a signed receipt. Amounts are whole VND. */
export type ReceiptDocument = ReturnType<typeof receiptDocument>

const titles: Readonly<Record<string, string>> = {
  PHI: 'Biên lai thu phí',
  LE_PHI: 'Biên lai thu lệ phí',
}

export function receiptDocument(facts: ReceiptFacts) {
  return {
    iss: facts.issuer,
    receiptId: facts.receiptId,
    title: titleOf(facts.kind, facts.related?.relation ?? null),
    kind: facts.kind,
    template: facts.template,
    symbol: facts.symbol,
    number: facts.number,
    issuedAt: facts.issuedAt.toISOString(),
    issuedOn: businessDate(facts.issuedAt),
    collector: facts.collector,
    agent: facts.agent,
    payer: { name: facts.payerName },
    invoiceId: facts.invoiceId,
    dossierCode: facts.dossierCode,
    procedureName: facts.procedureName,
    items: facts.items.map(({ name, economicCode, amount }) => ({ name, economicCode, amount: Number(amount) })),
    total: Number(facts.total),
    totalInWords: inWords(facts.total),
    currency: 'VND',
    payment: {
      settlementId: facts.payment.settlementId,
      paidAt: facts.payment.paidAt.toISOString(),
      rail: facts.payment.rail,
    },
    related:
      facts.related === null
        ? null
        : {
            relation: facts.related.relation,
            template: facts.related.template,
            symbol: facts.related.symbol,
            number: facts.related.number,
            issuedOn: businessDate(facts.related.issuedAt),
          },
    reason: facts.reason,
  }
}

function titleOf(kind: string, relation: ReceiptRelation | null): string {
  const title = titles[kind] ?? titles.PHI ?? ''
  if (relation === null) return title
  return `${title} (${relation === 'ADJUSTS' ? 'điều chỉnh' : 'thay thế'})`
}

/** `Giảm: Năm mươi nghìn đồng` for an amount that goes back. */
function inWords(amount: Vnd): string {
  return amount < 0n ? `Giảm: ${amountInVietnamese(-amount)}` : amountInVietnamese(amount)
}
