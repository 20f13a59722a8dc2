/** All partners together. They share no code with the gateway: what passes between them is only the wire. */
import type { FastifyInstance } from 'fastify'
import { type DossierSandbox, startDossier } from './dossier.ts'
import { type IssuerSandbox, startIssuer } from './issuer.ts'
import { startVietinbank, type VietinbankSandbox } from './vietinbank.ts'
import { type BankSandbox, startBank } from './vietqr-sepay.ts'
import { startVnpay, type VnpaySandbox } from './vnpay.ts'
import { createPartner, listen, type Partner, type PartnerLog, type PartnerOptions, page } from './web.ts'

export type Sandbox = {
  readonly baseUrl: string
  readonly vnpay: VnpaySandbox
  readonly bank: BankSandbox
  readonly vietinbank: VietinbankSandbox
  readonly dossier: DossierSandbox
  readonly issuer: IssuerSandbox
  close(): Promise<void>
}

export type SandboxOptions = {
  readonly host?: string
  /** 0 or left out: a free one. */
  readonly ports?: {
    readonly index?: number
    readonly vnpay?: number
    readonly bank?: number
    readonly vietinbank?: number
    readonly dossier?: number
    readonly issuer?: number
  }
  readonly now?: () => Date
  /** Silent when left out. */
  readonly log?: PartnerLog
}

const silent: PartnerLog = { info: () => undefined, warn: () => undefined }

export async function startSandbox({
  host = '127.0.0.1',
  ports = {},
  now = () => new Date(),
  log = silent,
}: SandboxOptions = {}): Promise<Sandbox> {
  const started: { close(): PromiseLike<unknown> }[] = []
  const close = async (): Promise<void> => {
    await Promise.all(started.map((part) => part.close()))
  }
  const start = async <P extends Partner>(
    part: (options: PartnerOptions) => Promise<P>,
    port: number | undefined,
  ): Promise<P> => {
    const partner = await part({ host, port: port ?? 0, now, log })
    started.push(partner)
    return partner
  }
  try {
    const vnpay = await start(startVnpay, ports.vnpay)
    const bank = await start(startBank, ports.bank)
    const vietinbank = await start(startVietinbank, ports.vietinbank)
    const dossier = await start(startDossier, ports.dossier)
    const issuer = await start(startIssuer, ports.issuer)
    const partners = { vnpay, bank, vietinbank, dossier, issuer }
    const index = createIndex(partners)
    started.push(index)
    return { baseUrl: await listen(index, host, ports.index ?? 0), ...partners, close }
  } catch (error) {
    // A port in use: what has started must not be left behind.
    await close()
    throw error
  }
}

/** A page that links all partners. */
function createIndex({
  vnpay,
  bank,
  vietinbank,
  dossier,
  issuer,
}: Omit<Sandbox, 'baseUrl' | 'close'>): FastifyInstance {
  const index = createPartner()
  const links: [string, string][] = [
    ['VNPAY', vnpay.baseUrl],
    ['Ngân hàng, chuyển khoản VietQR / Bank app', bank.baseUrl],
    ['VietinBank: điện thoại nhận OTP / the payer’s phone', `${vietinbank.baseUrl}/phone`],
    ['Hệ thống một cửa / Dossier system', dossier.baseUrl],
    ['Định danh cán bộ / Officers’ identity provider', issuer.baseUrl],
  ]
  index.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .send(
        page(
          'Đối tác mô phỏng / Partners',
          `<ul>${links.map(([name, url]) => `<li><a href="${url}">${name}</a></li>`).join('')}</ul>`,
        ),
      ),
  )
  return index
}
