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
import type { RailName } from './rail-list.ts'
import { type BillPull, startBillPull } from './rails/bill-pull.ts'
import { payosSource } from './rails/credit-payos.ts'
import { sepaySource } from './rails/credit-sepay.ts'
import type { CreditSource } from './rails/credit-source.ts'
import { vietqrvnHmacSource, vietqrvnSource } from './rails/credit-vietqrvn.ts'
import { type Momo, startMomo } from './rails/momo.ts'
import { type Napas, startNapas } from './rails/napas.ts'
import { type NationalPortal, startNationalPortal } from './rails/national-portal.ts'
import { type Onepay, startOnepay } from './rails/onepay.ts'
import { startVietinbank, type Vietinbank } from './rails/vietinbank.ts'
import { startVietqr, type Vietqr } from './rails/vietqr.ts'
import { startVnpay, type Vnpay } from './rails/vnpay.ts'
import { startZalopay, type Zalopay } from './rails/zalopay.ts'

export type PartnerName = 'index' | 'dossier' | 'issuer' | RailName

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
  /** A collection account told of by SePay; `payos`, `vietqrvn` and `vietqrvnHmac` are others. */
  readonly vietqr: Vietqr
  readonly payos: Vietqr
  readonly vietqrvn: Vietqr
  readonly vietqrvnHmac: Vietqr
  readonly vietinbank: Vietinbank
  readonly onepay: Onepay
  readonly napas: Napas
  readonly momo: Momo
  readonly zalopay: Zalopay
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
  const { retryDelaysMs, lateMs, refundMs, pendingMs } = options
  const waits = {
    ...(retryDelaysMs === undefined ? {} : { retryDelaysMs }),
    ...(lateMs === undefined ? {} : { lateMs }),
    ...(refundMs === undefined ? {} : { refundMs }),
    ...(pendingMs === undefined ? {} : { pendingMs }),
  }
  const at = (name: PartnerName): typeof waits & { port: number } => ({ ...waits, port: options.ports?.[name] ?? 0 })
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
  const account = (name: 'vietqr' | 'payos' | 'vietqrvn' | 'vietqrvnHmac', source: CreditSource): Promise<Vietqr> =>
    add(startVietqr(context, { ...at(name), accountNumber: keys[name].accountNumber, source }))
  try {
    const { accountNumber: _, ...vietqrvnCredentials } = keys.vietqrvn
    const vietqr = await account('vietqr', sepaySource({ mode: 'hmac', secret: keys.vietqr.secret }))
    const payos = await account('payos', payosSource(keys.payos.checksumKey))
    const vietqrvn = await account('vietqrvn', vietqrvnSource(vietqrvnCredentials))
    const vietqrvnHmac = await account('vietqrvnHmac', vietqrvnHmacSource(keys.vietqrvnHmac.secret))
    const banks = [vietqr, payos, vietqrvn, vietqrvnHmac]
    for (const one of banks)
      one.neighbours = new Map(
        banks.filter((other) => other !== one).map(({ accountNumber, baseUrl }) => [accountNumber, baseUrl]),
      )
    const rails = {
      vietqr,
      payos,
      vietqrvn,
      vietqrvnHmac,
      vnpay: await add(startVnpay(context, { ...keys.vnpay, ...at('vnpay') })),
      vietinbank: await add(startVietinbank(context, { ...client, ...bankTerms, ...at('vietinbank') })),
      onepay: await add(startOnepay(context, { ...keys.onepay, ...at('onepay') })),
      napas: await add(startNapas(context, { ...keys.napas, ...at('napas') })),
      momo: await add(startMomo(context, { ...keys.momo, ...at('momo') })),
      zalopay: await add(startZalopay(context, { ...keys.zalopay, ...at('zalopay') })),
      billPull: await add(startBillPull(context, { ...bankTerms, ...at('billPull') })),
      nationalPortal: await add(startNationalPortal(context, { ...keys.nationalPortal, ...at('nationalPortal') })),
    }
    const dossier = await add(startDossier(context, at('dossier')))
    const issuer = await add(
      startIssuer(context, {
        ...at('issuer'),
        key: keys.issuer,
        ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
        ...(options.audience === undefined ? {} : { audience: options.audience }),
      }),
    )
    const index = createPartnerServer(createBehaviour(), context)
    started.push(index)
    const links: readonly (readonly [vi: string, en: string, url: string])[] = [
      ['Ứng dụng ngân hàng: quét VietQR', 'bank app: scans VietQR', `${vietqr.baseUrl}/app`],
      ['Điện thoại nhận mã OTP', 'phone that receives one-time codes', `${rails.vietinbank.baseUrl}/phone`],
      ['Quầy thu hộ', 'bank counter', `${rails.billPull.baseUrl}/counter`],
      ['Hệ thống một cửa', 'dossier system', dossier.baseUrl],
      ['Cán bộ', 'officers', issuer.baseUrl],
    ]
    const consoles: readonly (readonly [name: string, url: string])[] = [
      ['VNPAY', rails.vnpay.baseUrl],
      ['NAPAS', rails.napas.baseUrl],
      ['OnePay', rails.onepay.baseUrl],
      ['MoMo', rails.momo.baseUrl],
      ['ZaloPay', rails.zalopay.baseUrl],
      ['VietinBank', rails.vietinbank.baseUrl],
      ['SePay', vietqr.baseUrl],
      ['payOS', payos.baseUrl],
      ['VietQR.vn', vietqrvn.baseUrl],
      ['VietQR.vn (HMAC)', vietqrvnHmac.baseUrl],
      ['Thu hộ / Counter', rails.billPull.baseUrl],
      ['Nền tảng quốc gia / National platform', rails.nationalPortal.baseUrl],
    ]
    index.get('/', (_request, reply) =>
      sendPage(
        reply,
        'Đối tác giả lập của FeeGate',
        'Simulated partners of FeeGate',
        html`<ul class="links">${links.map(([vi, en, url]) => html`<li><a href="${url}">${both(vi, en)}</a></li>`)}</ul>
<h2>${both('Giao dịch, lời gọi lại, gây lỗi', 'Transactions, callbacks, misbehaviour')}</h2>
<ul class="links">${consoles.map(([name, url]) => html`<li><a href="${url}">${name}</a></li>`)}</ul>`,
      ),
    )
    const baseUrl = await listen(index, context, at('index').port)
    return { baseUrl, ...rails, dossier, issuer, close }
  } catch (error) {
    // A port in use: what has started must not be left behind.
    await close()
    throw error
  }
}
