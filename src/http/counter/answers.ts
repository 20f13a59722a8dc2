/** Counter records as their callers see them. */
import type { z } from 'zod'
import { type CounterBill, cashObstacle } from '../../counter/bill.ts'
import { type CashAccount, counterConfigOf } from '../../counter/cash-account.ts'
import type { Collection } from '../../counter/collection.ts'
import type { Correction } from '../../counter/correction.ts'
import type { Shift } from '../../counter/shift.ts'
import { amountInVietnamese } from '../../domain/amount-in-words.ts'
import type { InvoiceAnswer } from '../portal/schemas.ts'
import type { billAnswer, collectionAnswer, correctionAnswer, shiftAnswer, slipAnswer } from './schemas.ts'

export function shiftAnswerOf(shift: Shift): z.infer<typeof shiftAnswer> {
  return {
    ...shift,
    openedAt: shift.openedAt.toISOString(),
    openingCash: Number(shift.openingCash),
    collected: Number(shift.collected),
    takenBack: Number(shift.takenBack),
    expectedCash: Number(shift.expectedCash),
    byAccount: shift.byAccount.map((part) => ({ ...part, amount: Number(part.amount) })),
    handovers: shift.handovers.map((part) => ({ ...part, amount: Number(part.amount) })),
    closedAt: shift.closedAt?.toISOString() ?? null,
    countedCash: shift.countedCash === null ? null : Number(shift.countedCash),
    difference: shift.difference === null ? null : Number(shift.difference),
    currency: 'VND',
  }
}

export function billAnswerOf(
  bill: CounterBill,
  context: {
    readonly cash: CashAccount
    readonly vietQr: InvoiceAnswer['vietQr']
    readonly publicUrl: string
    readonly now: Date
  },
): z.infer<typeof billAnswer> {
  const { payToken, beneficiaryAccountId: _, tenantId: __, ...rest } = bill
  const { cash } = context
  const obstacle = cashObstacle(bill, cash, context.now)
  return {
    ...rest,
    payUrl: `${context.publicUrl}/pay/${payToken}`,
    items: bill.items.map((item) => ({ ...item, net: Number(item.net) })),
    total: Number(bill.total),
    currency: 'VND',
    expiresAt: bill.expiresAt.toISOString(),
    paidAt: bill.paidAt?.toISOString() ?? null,
    cash: {
      allowed: obstacle === null,
      obstacle,
      maximum: cash.kind === 'none' ? null : counterConfigOf(cash.account).cashMaximum,
    },
    vietQr: context.vietQr,
  }
}

export function slipPath({ payToken, id }: Pick<Collection, 'payToken' | 'id'>): string {
  return `/pay/${payToken}/slips/${id}`
}

export function collectionAnswerOf(collection: Collection, publicUrl: string): z.infer<typeof collectionAnswer> {
  return {
    id: collection.id,
    status: collection.status,
    shiftId: collection.shiftId,
    slipNo: collection.slipNo,
    slipUrl: `${publicUrl}${slipPath(collection)}`,
    unitCode: collection.unitCode,
    collectingAgencyCode: collection.collectingAgencyCode,
    invoiceId: collection.invoiceId,
    payCode: collection.payCode,
    dossierCode: collection.dossierCode,
    settlementId: collection.settlementId,
    amount: Number(collection.amount),
    cashGiven: Number(collection.cashGiven),
    changeGiven: Number(collection.changeGiven),
    currency: 'VND',
    collectedBy: collection.collectedBy,
    collectedAt: collection.collectedAt.toISOString(),
    correctedAt: collection.correctedAt?.toISOString() ?? null,
  }
}

export function slipAnswerOf(collection: Collection, publicUrl: string): z.infer<typeof slipAnswer> {
  return {
    collectionId: collection.id,
    status: collection.status,
    slipNo: collection.slipNo,
    slipUrl: `${publicUrl}${slipPath(collection)}`,
    payUrl: `${publicUrl}/pay/${collection.payToken}`,
    unitCode: collection.unitCode,
    unitName: collection.unitName,
    operatorName: collection.operatorName,
    collectingAgencyCode: collection.collectingAgencyCode,
    collectingAgencyName: collection.collectingAgencyName,
    dossierCode: collection.dossierCode,
    procedureName: collection.procedureName,
    payerName: collection.payerName,
    payCode: collection.payCode,
    items: collection.items.map((item) => ({ ...item, net: Number(item.net) })),
    amount: Number(collection.amount),
    amountInWordsVi: amountInVietnamese(collection.amount),
    cashGiven: Number(collection.cashGiven),
    changeGiven: Number(collection.changeGiven),
    currency: 'VND',
    collectedAt: collection.collectedAt.toISOString(),
    correctedAt: collection.correctedAt?.toISOString() ?? null,
  }
}

export function correctionAnswerOf(correction: Correction): z.infer<typeof correctionAnswer> {
  return {
    ...correction,
    amount: Number(correction.amount),
    currency: 'VND',
    requestedAt: correction.requestedAt.toISOString(),
    decidedAt: correction.decidedAt?.toISOString() ?? null,
  }
}
