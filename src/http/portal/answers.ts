import { qrOf, transferQrOf } from '../../rails/qr.ts'
import { type Demand, offeredOf, type Router } from '../../rails/router.ts'
import type { InvoiceRecord } from '../../store/invoices.ts'
import type { InvoiceAnswer } from './schemas.ts'

export type AnswerContext = { readonly routes: Router; readonly publicUrl: string; readonly now: Date }

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
  invoice: Parameters<typeof demandOf>[0] & Pick<InvoiceRecord, 'status' | 'payCode' | 'dossierCode' | 'expiresAt'>,
  { routes, now }: Pick<AnswerContext, 'routes' | 'now'>,
  channel: Demand['channel'] = 'ONLINE',
): Promise<InvoiceAnswer['vietQr']> {
  if (invoice.status !== 'ISSUED' && invoice.status !== 'PAYING') return null
  const account = transferQrOf(offeredOf(await routes({ ...demandOf(invoice), channel })))
  const qr = account === null ? null : qrOf(account, invoice, now)
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

/** What a portal's own page asks of the rails, in the language that is always offered first. */
export function demandOf(
  invoice: Pick<
    InvoiceRecord,
    'id' | 'tenantId' | 'beneficiaryAccountId' | 'collectingAgencyCode' | 'procedureCode' | 'total'
  >,
  locale: Demand['locale'] = 'vi',
): Demand {
  return {
    tenantId: invoice.tenantId,
    beneficiaryAccountId: invoice.beneficiaryAccountId,
    agencyCode: invoice.collectingAgencyCode,
    procedureCode: invoice.procedureCode,
    amount: invoice.total,
    channel: 'ONLINE',
    locale,
    invoiceId: invoice.id,
  }
}
