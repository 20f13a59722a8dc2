import type { z } from 'zod'
import type { PayoutLine, PayoutOrder } from '../../refund/payout-order.ts'
import type { RefundStepView, RefundView } from '../../refund/read.ts'
import type { Payee } from '../../store/refunds.ts'
import type { invoiceRefundAnswer, payoutOrderAnswer, refundAnswer, refundSummary } from './refund-schemas.ts'

export function invoiceRefundOf(refund: RefundView): z.infer<typeof invoiceRefundAnswer> {
  return {
    id: refund.id,
    invoiceId: refund.invoiceId,
    origin: refund.origin,
    status: refund.status,
    reason: refund.reason,
    legalBasis: refund.legalBasis,
    channel: refund.channel,
    items: refund.items.map(({ lineNo, amount }) => ({ lineNo, amount: Number(amount) })),
    createdAt: refund.createdAt.toISOString(),
    updatedAt: refund.updatedAt.toISOString(),
    doneAt: refund.doneAt?.toISOString() ?? null,
    amount: Number(refund.amount),
    currency: 'VND',
  }
}

export function refundSummaryOf(refund: RefundView): z.infer<typeof refundSummary> {
  return {
    ...invoiceRefundOf(refund),
    version: refund.steps,
    settlementId: refund.settlementId,
    dossierCode: refund.dossierCode,
    requestedBy: refund.requestedBy,
    approvedBy: refund.approvedBy,
    rejectedBy: refund.rejectedBy,
    needsHuman: refund.needsHuman,
    payoutOrderId: refund.payoutOrderId,
    railReference: refund.railReference,
    railRefundId: refund.railRefundId,
    railDetail: refund.railDetail,
  }
}

export function refundAnswerOf(
  refund: RefundView,
  payee: Payee | null,
  steps: readonly RefundStepView[],
): z.infer<typeof refundAnswer> {
  const { result, resultReference, resultBy } = refund
  return {
    ...refundSummaryOf(refund),
    note: refund.note,
    otherPayment: refund.otherPayment,
    payee,
    report:
      result === null || resultReference === null || resultBy === null
        ? null
        : {
            result,
            reference: resultReference,
            at: refund.resultAt?.toISOString() ?? null,
            note: refund.resultNote,
            reportedBy: resultBy,
            confirmedBy: refund.resultConfirmedBy,
          },
    payment: {
      disposition: refund.disposition,
      amount: Number(refund.paidAmount),
      paidAt: refund.paidAt.toISOString(),
      rail: refund.rail,
      railAccountId: refund.railAccountId,
      railTransactionId: refund.railTransactionId,
      beneficiaryAccountId: refund.beneficiaryAccountId,
    },
    history: steps.map((step) => ({ ...step, at: step.at.toISOString() })),
  }
}

export function payoutSummaryOf(order: PayoutOrder): Omit<z.infer<typeof payoutOrderAnswer>, 'lines'> {
  return { ...order, total: Number(order.total), currency: 'VND', createdAt: order.createdAt.toISOString() }
}

export function payoutOrderOf(order: PayoutOrder, lines: readonly PayoutLine[]): z.infer<typeof payoutOrderAnswer> {
  return {
    ...payoutSummaryOf(order),
    lines: lines.map((line) => ({
      ...line,
      amount: Number(line.amount),
      currency: 'VND',
      paidAt: line.paidAt.toISOString(),
    })),
  }
}
