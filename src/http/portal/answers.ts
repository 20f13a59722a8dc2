import { type RailAccounts, takesAmount } from '../../rails/accounts.ts'
import { qrOf } from '../../rails/qr.ts'
import type { InvoiceRecord } from '../../store/invoices.ts'
import type { InvoiceAnswer } from './schemas.ts'

export type AnswerContext = { readonly railAccounts: RailAccounts; readonly publicUrl: string; readonly now: Date }

/** An invoice as portals see it. */
export async function invoiceAnswerOf(invoice: InvoiceRecord, context: AnswerContext): Promise<InvoiceAnswer> {
  return {
    id: invoice.id,
    version: invoice.version,
    status: invoice.status,
    dossierCode: invoice.dossierCode,
    procedureCode: invoice.procedureCode,
    onlineServiceCode: invoice.onlineServiceCode,
    resolvingAgencyCode: invoice.resolvingAgencyCode,
    collectingAgencyCode: invoice.collectingAgencyCode,
    beneficiaryAccountId: invoice.beneficiaryAccountId,
    collectionMode: invoice.collectionMode,
    items: invoice.items.map((item) => ({
      ...item,
      gross: Number(item.gross),
      reductionAmount: Number(item.reductionAmount),
      net: Number(item.net),
    })),
    total: Number(invoice.total),
    currency: 'VND',
    issuedAt: invoice.issuedAt.toISOString(),
    dueAt: invoice.dueAt?.toISOString() ?? null,
    expiresAt: invoice.expiresAt.toISOString(),
    paidAt: invoice.paidAt?.toISOString() ?? null,
    lateBySeconds: invoice.lateBySeconds,
    supersedesId: invoice.supersedesId,
    supersededById: invoice.supersededById,
    cancelReason: invoice.cancelReason,
    payCode: invoice.payCode,
    payUrl: `${context.publicUrl}/pay/${invoice.payToken}`,
    vietQr: await vietQrOf(invoice, context),
    jws: invoice.jws,
  }
}

/** The QR of an open invoice; null when none is offered. */
export async function vietQrOf(
  invoice: Pick<InvoiceRecord, 'status' | 'beneficiaryAccountId' | 'total' | 'payCode' | 'dossierCode' | 'expiresAt'>,
  { railAccounts, now }: Pick<AnswerContext, 'railAccounts' | 'now'>,
): Promise<InvoiceAnswer['vietQr']> {
  if (invoice.status !== 'ISSUED' && invoice.status !== 'PAYING') return null
  const offered = await railAccounts.offeredFor(invoice.beneficiaryAccountId)
  const account = offered.find(
    (candidate) =>
      candidate.adapter.channels.includes('QR') &&
      candidate.adapter.capabilities.transfer &&
      takesAmount(candidate, invoice.total),
  )
  const qr = account === undefined ? null : qrOf(account, invoice, now)
  if (qr === null) return null
  const { bankBin, accountNumber, accountName, content } = qr.transfer
  return {
    payload: qr.payload,
    bankBin,
    accountNumber,
    accountName,
    content,
    amount: Number(qr.transfer.amount),
    currency: 'VND',
  }
}
