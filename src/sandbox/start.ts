/**
 * The partners of a gateway on one machine: banks of the rails, a dossier system, an issuer of officers. Each is an HTTP
 * server of its own, with its own keys, and speaks its rail's protocol from the other side. Nothing here is shared with
 * the adapters: where both read the protocol wrongly, at least they do not read it wrongly together.
 */
import { createBehaviour } from './behaviour.ts'
import { makeContext, type SandboxContext } from './context.ts'
import { type DossierSystem, startDossier } from './dossier.ts'
import { type Issuer, startIssuer } from './issuer.ts'
import { makeSandboxKeys, type SandboxKeys } from './keys.ts'
import { both, html } from './page.ts'
import { createPartnerServer, listen, sendPage } from './partner.ts'
import { type BillPull, startBillPull } from './rails/bill-pull.ts'
import { type NationalPortal, startNationalPortal } from './rails/national-portal.ts'
import { type Onepay, startOnepay } from './rails/onepay.ts'
import { startVietinbank, type Vietinbank } from './rails/vietinbank.ts'
import { startVietqr, type Vietqr } from './rails/vietqr-sepay.ts'
import { startVnpay, type Vnpay } from './rails/vnpay.ts'

export const partnerNames = [
  'index',
  'vnpay',
  'vietqr',
  'vietinbank',
  'dossier',
  'issuer',
  'onepay',
  'billPull',
  'nationalPortal',
] as const
export type PartnerName = (typeof partnerNames)[number]

export type SandboxOptions = Partial<SandboxContext> & {
  /** 0 or absent takes a free port. */
  readonly ports?: Partial<Record<PartnerName, number>>
  /** Made anew when absent. */
  readonly keys?: SandboxKeys
  /** The gateway's own public keys, PEM; without one the sandbox makes the pair and hands the private half out in `accountConfig()`. */
  readonly publicKeys?: { readonly vietinbank?: string }
  /** Tenant of the officers' tokens and the audience they are for. */
  readonly tenant?: string
  readonly audience?: string
  /** Waits between repeated calls, the same for each rail; without it each rail's own. */
  readonly retryDelaysMs?: readonly number[]
  /** How late a `late` payment is told of. */
  readonly lateMs?: number
  readonly refundMs?: number
  readonly pendingMs?: number
}

export type Sandbox = {
  /** Page that links all partners. */
  readonly baseUrl: string
  readonly vnpay: Vnpay
  readonly vietqr: Vietqr
  readonly vietinbank: Vietinbank
  readonly onepay: Onepay
  /** A counter of the same bank as `vietinbank`. */
  readonly billPull: BillPull
  readonly nationalPortal: NationalPortal
  readonly dossier: DossierSystem
  readonly issuer: Issuer
  close(): Promise<void>
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const context = makeContext(options)
  const keys = options.keys ?? (await makeSandboxKeys(context.random))
  const port = (name: PartnerName): number => options.ports?.[name] ?? 0
  const waits = {
    ...(options.retryDelaysMs === undefined ? {} : { retryDelaysMs: options.retryDelaysMs }),
    ...(options.lateMs === undefined ? {} : { lateMs: options.lateMs }),
  }
  const { bank, gateway, ...client } = keys.vietinbank
  const gatewayKey = options.publicKeys?.vietinbank
  const bankTerms = {
    bankKeys: bank,
    gatewayKeys: gatewayKey === undefined ? gateway : { publicKeyPem: gatewayKey },
  }
  const started: { close(): Promise<unknown> }[] = []
  const add = async <P extends { close(): Promise<unknown> }>(starting: Promise<P>): Promise<P> => {
    const partner = await starting
    started.push(partner)
    return partner
  }
  const close = async (): Promise<void> => {
    await Promise.all(started.map((partner) => partner.close()))
    await context.network.close()
  }
  try {
    const vnpay = await add(
      startVnpay(context, {
        ...keys.vnpay,
        ...waits,
        port: port('vnpay'),
        ...(options.refundMs === undefined ? {} : { refundMs: options.refundMs }),
      }),
    )
    const { accountNumber, secret } = keys.vietqr
    const vietqr = await add(
      startVietqr(context, { accountNumber, auth: { mode: 'hmac', secret }, ...waits, port: port('vietqr') }),
    )
    const vietinbank = await add(
      startVietinbank(context, {
        ...client,
        ...waits,
        port: port('vietinbank'),
        ...bankTerms,
        ...(options.pendingMs === undefined ? {} : { pendingMs: options.pendingMs }),
      }),
    )
    const onepay = await add(startOnepay(context, { ...keys.onepay, ...waits, port: port('onepay') }))
    const billPull = await add(startBillPull(context, { ...bankTerms, ...waits, port: port('billPull') }))
    const nationalPortal = await add(
      startNationalPortal(context, {
        ...keys.nationalPortal,
        ...waits,
        port: port('nationalPortal'),
        ...(options.pendingMs === undefined ? {} : { pendingMs: options.pendingMs }),
      }),
    )
    const dossier = await add(startDossier(context, { port: port('dossier') }))
    const issuer = await add(
      startIssuer(context, {
        port: port('issuer'),
        key: keys.issuer,
        ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
        ...(options.audience === undefined ? {} : { audience: options.audience }),
      }),
    )
    const index = createPartnerServer(createBehaviour(), context)
    started.push(index)
    const links: readonly (readonly [vi: string, en: string, url: string])[] = [
      ['VNPAY', 'cards, accounts, QR on a hosted page', vnpay.baseUrl],
      ['Ứng dụng ngân hàng và SePay', 'bank app and SePay', vietqr.baseUrl],
      ['VietinBank', 'account with a one-time code, credit notices', vietinbank.baseUrl],
      ['OnePay', 'cards on a hosted page', onepay.baseUrl],
      ['Quầy thu hộ', 'bank counter', billPull.baseUrl],
      ['Nền tảng thanh toán quốc gia', 'national payment platform', nationalPortal.baseUrl],
      ['Hệ thống một cửa', 'dossier system', dossier.baseUrl],
      ['Nhà cung cấp định danh cán bộ', 'issuer of officers', issuer.baseUrl],
    ]
    index.get('/', (_request, reply) =>
      sendPage(
        reply,
        'Đối tác giả lập của FeeGate',
        'Simulated partners of FeeGate',
        html`<ul>${links.map(([vi, en, url]) => html`<li><a href="${url}">${both(vi, en)}</a></li>`)}</ul>`,
      ),
    )
    const baseUrl = await listen(index, context, port('index'))
    return { baseUrl, vnpay, vietqr, vietinbank, onepay, billPull, nationalPortal, dossier, issuer, close }
  } catch (error) {
    // A port in use: what has started must not be left behind.
    await close()
    throw error
  }
}
