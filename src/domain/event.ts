/**
 * The events a dossier system receives. Field meanings: contracts/events/*.schema.json.
 * A receiver can fill the fee list of the national synchronisation from it (domain.md §8.3): per-item name, code, amount, kind.
 */
import type { EventType, InvoiceStatus } from './decision.ts'

export type EventInvoice = {
  readonly id: string
  readonly version: number
  readonly status: InvoiceStatus
  readonly dossierCode: string
  readonly procedureCode: string
  readonly collectingAgencyCode: string
  readonly payCode: string
  readonly total: bigint
  readonly items: readonly {
    readonly lineNo: number
    readonly rateId: string | null
    readonly kind: string
    readonly nameVi: string
    readonly net: bigint
    readonly economicCode: string | null
    readonly taxObligationId: string | null
  }[]
}

export type EventPayment = {
  readonly paymentId: string | null
  readonly settlementId: string
  readonly rail: string
  readonly railAccountId: string
  readonly railTransactionId: string
  readonly merchantRef: string | null
  readonly amount: bigint
  /** The payer's bank time: it restarts deadlines (domain.md §7.5), so never use the time of arrival instead. */
  readonly paidAt: Date
  /** Seconds after expiry; null when in time. */
  readonly lateBySeconds: number | null
}

/** A legal receipt that was issued, or one that adjusts or replaces another. */
export type EventReceipt = {
  readonly id: string
  readonly kind: string
  readonly template: string
  readonly symbol: string
  readonly number: number
  readonly issuedAt: Date
  readonly collectorName: string
  readonly collectorTaxCode: string
  /** Below zero when it takes something back. */
  readonly amount: bigint
  readonly relation: 'ADJUSTS' | 'REPLACES' | null
  readonly relatesToId: string | null
}

/** Collected money that went back. */
export type EventRefund = {
  readonly id: string
  readonly settlementId: string
  readonly reason: string
  readonly channel: string
  readonly amount: bigint
  /** Given back of this invoice so far, this refund included. */
  readonly refundedTotal: bigint
  readonly items: readonly { readonly lineNo: number; readonly amount: bigint }[]
  /** The rail's or the bank's own number of it, when it gave one. */
  readonly reference: string | null
  readonly refundedAt: Date
}

export type EventBody = {
  readonly id: string
  readonly type: EventType
  readonly occurredAt: Date
  /** Order of the events of one invoice, from 1. */
  readonly sequence: number
  readonly invoice: EventInvoice
  readonly payment?: EventPayment
  readonly receipt?: EventReceipt
  readonly refund?: EventRefund
  readonly reason?: string
  readonly successorId?: string
}

/** The exact JSON text that is stored, signed and sent. Amounts are JSON integers. */
export function eventText(event: EventBody): string {
  const { invoice, payment, receipt, refund } = event
  return JSON.stringify({
    id: event.id,
    type: event.type,
    timestamp: event.occurredAt.toISOString(),
    data: {
      sequence: event.sequence,
      invoice: {
        id: invoice.id,
        version: invoice.version,
        status: invoice.status,
        dossierCode: invoice.dossierCode,
        procedureCode: invoice.procedureCode,
        collectingAgencyCode: invoice.collectingAgencyCode,
        payCode: invoice.payCode,
        total: integer(invoice.total),
        currency: 'VND',
        items: invoice.items.map((item) => ({
          lineNo: item.lineNo,
          rateId: item.rateId,
          kind: item.kind,
          nameVi: item.nameVi,
          amount: integer(item.net),
          economicCode: item.economicCode,
          taxObligationId: item.taxObligationId,
        })),
      },
      ...(payment === undefined
        ? {}
        : {
            payment: {
              id: payment.paymentId,
              settlementId: payment.settlementId,
              rail: payment.rail,
              railAccountId: payment.railAccountId,
              railTransactionId: payment.railTransactionId,
              merchantRef: payment.merchantRef,
              amount: integer(payment.amount),
              currency: 'VND',
              paidAt: payment.paidAt.toISOString(),
              lateBySeconds: payment.lateBySeconds,
              // For the flag of domain.md §8.3: cash over a counter is not.
              online: payment.rail !== 'counter',
            },
          }),
      ...(receipt === undefined
        ? {}
        : {
            receipt: {
              id: receipt.id,
              kind: receipt.kind,
              template: receipt.template,
              symbol: receipt.symbol,
              number: receipt.number,
              issuedAt: receipt.issuedAt.toISOString(),
              collector: { name: receipt.collectorName, taxCode: receipt.collectorTaxCode },
              amount: integer(receipt.amount),
              currency: 'VND',
              relation: receipt.relation,
              relatesToId: receipt.relatesToId,
            },
          }),
      ...(refund === undefined
        ? {}
        : {
            refund: {
              id: refund.id,
              settlementId: refund.settlementId,
              reason: refund.reason,
              channel: refund.channel,
              amount: integer(refund.amount),
              refundedTotal: integer(refund.refundedTotal),
              currency: 'VND',
              items: refund.items.map(({ lineNo, amount }) => ({ lineNo, amount: integer(amount) })),
              reference: refund.reference,
              refundedAt: refund.refundedAt.toISOString(),
            },
          }),
      ...(event.reason === undefined ? {} : { reason: event.reason }),
      ...(event.successorId === undefined ? {} : { successorId: event.successorId }),
    },
  })
}

/** An amount as a JSON integer. */
export function integer(amount: bigint): number {
  const value = Number(amount)
  // Amounts are bounded far below this (money.ts); a wrong number must never leave silently.
  if (!Number.isSafeInteger(value)) throw new RangeError(`amount ${amount} does not fit a JSON integer`)
  return value
}
