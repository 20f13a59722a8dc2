import type { OpenRailAccount } from './accounts.ts'
import type { RailRoute } from './router.ts'

export type InvoiceQr = {
  /** EMVCo text. */
  readonly payload: string
  readonly transfer: {
    readonly accountNumber: string
    readonly accountName: string
    readonly bankBin: string
    readonly amount: bigint
    readonly content: string
  }
}

/**
 * The QR of an invoice at a transfer rail: a pure function of the invoice and the account, so the same picture stands in the
 * portal's answer, on the payment page and at the counter without any attempt being opened.
 */
export function qrOf(
  account: OpenRailAccount,
  invoice: { readonly payCode: string; readonly dossierCode: string; readonly total: bigint; readonly expiresAt: Date },
  now: Date,
): InvoiceQr | null {
  const { adapter } = account
  if (adapter.start === undefined) return null
  const step = adapter.start(
    {
      merchantRef: invoice.payCode,
      payCode: invoice.payCode,
      dossierCode: invoice.dossierCode,
      amount: invoice.total,
      description: invoice.payCode,
      locale: 'vi',
      payerIp: '127.0.0.1',
      returnUrl: '',
      callbackUrl: '',
      createdAt: now,
      expiresAt: invoice.expiresAt,
      payerInput: {},
    },
    { id: account.id, config: account.config },
    { now, requestId: 'qr', serverIp: '127.0.0.1' },
  )
  if (step.kind !== 'done' || step.result.kind !== 'qr' || step.result.transfer === undefined) return null
  return { payload: step.result.payload, transfer: step.result.transfer }
}

/** The account whose QR stands on the invoice itself: the first offered one that is paid by transfer; null when there is none. */
export function transferQrOf(offered: readonly RailRoute[]): OpenRailAccount | null {
  const route = offered.find(
    ({ account: { adapter } }) => adapter.channels.includes('QR') && adapter.capabilities.transfer,
  )
  return route?.account ?? null
}
