/** All partners together. They share no code with the gateway: what passes between them is only the wire. */
import { type DossierSandbox, startDossier } from './dossier.ts'
import { type IssuerSandbox, startIssuer } from './issuer.ts'
import { startVietinbank, type VietinbankSandbox } from './vietinbank.ts'
import { type BankSandbox, startBank } from './vietqr-sepay.ts'
import { startVnpay, type VnpaySandbox } from './vnpay.ts'
import { createPartner, listen, page } from './web.ts'

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
}

export async function startSandbox({
  host = '127.0.0.1',
  ports = {},
  now = () => new Date(),
}: SandboxOptions = {}): Promise<Sandbox> {
  const vnpay = await startVnpay({ host, port: ports.vnpay ?? 0, now })
  const bank = await startBank({ host, port: ports.bank ?? 0, now })
  const vietinbank = await startVietinbank({ host, port: ports.vietinbank ?? 0, now })
  const dossier = await startDossier({ host, port: ports.dossier ?? 0, now })
  const issuer = await startIssuer({ host, port: ports.issuer ?? 0, now })
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
  const baseUrl = await listen(index, host, ports.index ?? 0)
  const parts = [vnpay, bank, vietinbank, dossier, issuer]
  return {
    baseUrl,
    vnpay,
    bank,
    vietinbank,
    dossier,
    issuer,
    async close() {
      await Promise.all([index.close(), ...parts.map((part) => part.close())])
    },
  }
}
