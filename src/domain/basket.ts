/**
 * Several invoices paid in one visit (domain.md §6.3). Each is paid by its own attempt, because most rails cannot split; the
 * basket is done only when nothing of it is left to pay.
 */
import type { InvoiceStatus } from './decision.ts'
import { integer } from './event.ts'
import { sumVnd, type Vnd } from './money.ts'

/** What an invoice means for the basket it is in. */
export type BasketPart =
  | 'OWED'
  | 'PAID'
  /** Cancelled or waived. */
  | 'NOTHING_OWED'
  /** Its time is over and the debt is not: the agency must issue it anew. */
  | 'LAPSED'
  /** Another invoice took its place in the basket. */
  | 'REPLACED'

const partByStatus: Readonly<Record<InvoiceStatus, BasketPart>> = {
  ISSUED: 'OWED',
  PAYING: 'OWED',
  PAID: 'PAID',
  // Money that was given back later had been paid all the same.
  PARTIALLY_REFUNDED: 'PAID',
  REFUNDED: 'PAID',
  WAIVED: 'NOTHING_OWED',
  CANCELLED: 'NOTHING_OWED',
  SUPERSEDED: 'REPLACED',
  EXPIRED: 'LAPSED',
}

export type BasketStatus = 'OPEN' | 'PARTLY_PAID' | 'PAID' | 'CLOSED'

export type BasketMember = {
  readonly id: string
  /** Place in the basket; an invoice that takes another's place has the same. */
  readonly lineNo: number
  readonly status: InvoiceStatus
  readonly total: Vnd
}

/** An expired invoice counts no more once a later one stands in its place. */
export function partOf(member: BasketMember, members: readonly BasketMember[]): BasketPart {
  const part = partByStatus[member.status]
  const followed = members.some(({ id, lineNo }) => lineNo === member.lineNo && id > member.id)
  return part === 'LAPSED' && followed ? 'REPLACED' : part
}

export type BasketSums = {
  readonly status: BasketStatus
  /** What is demanded: paid, owed and lapsed together. */
  readonly total: Vnd
  readonly paid: Vnd
  readonly owed: Vnd
  readonly lapsed: Vnd
}

/** What the invoices of a basket add up to. PAID: something was paid and nothing is left. CLOSED: nothing was ever paid and nothing is left. */
export function basketSums(members: readonly BasketMember[]): BasketSums {
  const parts = members.map((member) => ({ part: partOf(member, members), total: member.total }))
  const sumOf = (wanted: BasketPart): Vnd =>
    sumVnd(parts.flatMap(({ part, total }) => (part === wanted ? [total] : [])))
  const anyPaid = parts.some(({ part }) => part === 'PAID')
  const anyLeft = parts.some(({ part }) => part === 'OWED' || part === 'LAPSED')
  const [paid, owed, lapsed] = [sumOf('PAID'), sumOf('OWED'), sumOf('LAPSED')]
  return {
    status: anyPaid ? (anyLeft ? 'PARTLY_PAID' : 'PAID') : anyLeft ? 'OPEN' : 'CLOSED',
    total: paid + owed + lapsed,
    paid,
    owed,
    lapsed,
  }
}

export type BasketEventType = 'basket.paid'

export type BasketEventBody = {
  readonly id: string
  readonly occurredAt: Date
  readonly basketId: string
  /** The payer's bank time of the last payment that was needed. */
  readonly paidAt: Date
  readonly invoices: readonly (BasketMember & {
    readonly dossierCode: string
    readonly collectingAgencyCode: string
    readonly payCode: string
  })[]
}

/** The exact JSON text that is stored, signed and sent. */
export function basketPaidText(event: BasketEventBody): string {
  const { total, paid } = basketSums(event.invoices)
  const type: BasketEventType = 'basket.paid'
  return JSON.stringify({
    id: event.id,
    type,
    timestamp: event.occurredAt.toISOString(),
    data: {
      basket: {
        id: event.basketId,
        status: 'PAID',
        total: integer(total),
        paid: integer(paid),
        currency: 'VND',
        paidAt: event.paidAt.toISOString(),
        invoices: event.invoices.map((invoice) => ({
          id: invoice.id,
          part: partOf(invoice, event.invoices),
          status: invoice.status,
          dossierCode: invoice.dossierCode,
          collectingAgencyCode: invoice.collectingAgencyCode,
          payCode: invoice.payCode,
          total: integer(invoice.total),
        })),
      },
    },
  })
}
