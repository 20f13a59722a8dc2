import { type SandboxOptions, startSandbox } from './start.ts'

const usualPorts = { index: 9000, vnpay: 9001, bank: 9002, vietinbank: 9003, dossier: 9004, issuer: 9005 }

/** `feegate sandbox`: the partners on fixed ports, until SIGINT or SIGTERM. Prints what a gateway must be told about them. */
export async function runSandbox({
  gateway = process.env.GATEWAY_URL ?? 'http://127.0.0.1:8080',
  webhookSecret = process.env.WEBHOOK_SECRET ?? '',
  ...options
}: SandboxOptions & { readonly gateway?: string; readonly webhookSecret?: string } = {}): Promise<void> {
  const sandbox = await startSandbox({ ...options, ports: { ...usualPorts, ...options.ports } })
  sandbox.vnpay.callbackUrl = `${gateway}/callbacks/vnpay/vnpay-demo`
  sandbox.bank.callbackUrl = `${gateway}/callbacks/vietqr/vietqr-demo`
  sandbox.vietinbank.callbackUrl = `${gateway}/callbacks/vietinbank/vietinbank-demo`
  sandbox.dossier.jwksUrl = `${gateway}/.well-known/jwks.json`
  sandbox.dossier.secret = webhookSecret
  const lines = [
    `partners        ${sandbox.baseUrl}`,
    `callbacks go to ${gateway} (GATEWAY_URL), accounts vnpay-demo, vietqr-demo, vietinbank-demo`,
    `webhooks        ${sandbox.dossier.webhookUrl} (set WEBHOOK_SECRET to the secret of the registered endpoint)`,
    `officers        OFFICER_ISSUER=${sandbox.issuer.baseUrl}`,
    'configs of the rail accounts, for a directory file:',
    JSON.stringify(
      {
        'vnpay-demo': sandbox.vnpay.accountConfig(),
        'vietqr-demo': sandbox.bank.accountConfig(),
        'vietinbank-demo': sandbox.vietinbank.accountConfig(),
      },
      null,
      2,
    ),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  await sandbox.close()
}
