/** `feegate sandbox`: the partners on fixed ports, with keys that outlive a restart, until the process is told to stop. */
import { join } from 'node:path'
import { makeContext } from './context.ts'
import { openSandboxKeys } from './keys.ts'
import { type PartnerName, type Sandbox, type SandboxOptions, startSandbox } from './start.ts'

export type RunSandboxOptions = SandboxOptions & {
  /** Base URL of the gateway, to know where callbacks go. */
  readonly gatewayUrl?: string
  /** Ids of the gateway's rail accounts. */
  readonly railAccounts?: { readonly vnpay?: string; readonly vietqr?: string; readonly vietinbank?: string }
  /** Secret of the dossier system's webhook, from registering it at the gateway. */
  readonly webhookSecret?: string
  /** Where keys are kept. */
  readonly folder?: string
  readonly print?: (line: string) => void
  /** Stops the sandbox; without it SIGINT and SIGTERM do. */
  readonly signal?: AbortSignal
}

export const sandboxPorts: Readonly<Record<PartnerName, number>> = {
  index: 4100,
  vnpay: 4101,
  vietqr: 4102,
  vietinbank: 4103,
  dossier: 4104,
  issuer: 4105,
  onepay: 4106,
  billPull: 4107,
  nationalPortal: 4108,
}

const defaultRailAccounts = { vnpay: 'vnpay-sandbox', vietqr: 'vietqr-sandbox', vietinbank: 'vietinbank-sandbox' }

/** Tells every partner where the gateway is. */
export function connectGateway(
  sandbox: Sandbox,
  gatewayUrl: string,
  accounts: { readonly vnpay: string; readonly vietqr: string; readonly vietinbank: string },
  webhookSecret?: string,
): void {
  const base = gatewayUrl.replace(/\/+$/, '')
  sandbox.vnpay.callbackUrl = `${base}/callbacks/vnpay/${accounts.vnpay}`
  sandbox.vietqr.callbackUrl = `${base}/callbacks/vietqr/${accounts.vietqr}`
  sandbox.vietinbank.callbackUrl = `${base}/callbacks/vietinbank/${accounts.vietinbank}`
  sandbox.dossier.jwksUrl = `${base}/.well-known/jwks.json`
  if (webhookSecret !== undefined) sandbox.dossier.secret = webhookSecret
}

/** Starts, prints the addresses, and resolves when it has stopped. */
export async function runSandbox(options: RunSandboxOptions = {}): Promise<void> {
  const { random } = makeContext(options)
  const folder = options.folder ?? 'data'
  const keys = options.keys ?? (await openSandboxKeys(join(folder, 'sandbox-keys.json'), random))
  const sandbox = await startSandbox({ ...options, keys, ports: { ...sandboxPorts, ...options.ports } })
  const gatewayUrl = options.gatewayUrl ?? 'http://127.0.0.1:8080'
  connectGateway(sandbox, gatewayUrl, { ...defaultRailAccounts, ...options.railAccounts }, options.webhookSecret)
  const print = options.print ?? ((line) => process.stdout.write(`${line}\n`))
  print('Đối tác giả lập / Simulated partners:')
  for (const [name, url] of [
    ['index', sandbox.baseUrl],
    ['vnpay', sandbox.vnpay.baseUrl],
    ['vietqr + sepay', `${sandbox.vietqr.baseUrl}/app`],
    ['vietinbank', sandbox.vietinbank.baseUrl],
    ['onepay', sandbox.onepay.baseUrl],
    ['bank counter', `${sandbox.billPull.baseUrl}/counter`],
    ['national portal', sandbox.nationalPortal.baseUrl],
    ['dossier system', sandbox.dossier.webhookUrl],
    ['officers', sandbox.issuer.issuer],
  ] as const)
    print(`  ${name.padEnd(16)} ${url}`)
  print(`  callbacks go to  ${gatewayUrl}`)
  await stopped(options.signal)
  await sandbox.close()
}

function stopped(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve()
    else if (signal !== undefined) signal.addEventListener('abort', () => resolve(), { once: true })
    else for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve())
  })
}
