/** `feegate sandbox`: the partners on fixed ports, with keys that outlive a restart, until the process is told to stop. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeContext } from './context.ts'
import { exampleDirectory } from './example-directory.ts'
import { openSandboxKeys } from './keys.ts'
import {
  type AccountIds,
  accountIdOf,
  type Place,
  railAccountsOf,
  registerCallbacks,
  sandboxRails,
} from './rail-list.ts'
import { type PartnerName, type Sandbox, type SandboxOptions, startSandbox } from './start.ts'

export type RunSandboxOptions = SandboxOptions & {
  /** Base URL of the gateway, to know where callbacks go. */
  readonly gatewayUrl?: string
  /** Ids of the gateway's rail accounts, where they are not called `vnpay-sandbox` and so on. */
  readonly railAccounts?: AccountIds
  /** The agency and the account the fees are for. */
  readonly place?: Partial<Place>
  /** Secret of the dossier system's webhook, from registering it at the gateway; its page takes it too. */
  readonly webhookSecret?: string
  /** Where keys are kept. */
  readonly folder?: string
  /** Port of the index; the partners take those behind it. */
  readonly firstPort?: number
  /** A whole directory file with all rail accounts is written here. An existing file that differs is left as it is. */
  readonly directoryFile?: string
  readonly print?: (line: string) => void
  /** Stops the sandbox; without it SIGINT and SIGTERM do. */
  readonly signal?: AbortSignal
}

export class DirectoryExists extends Error {
  readonly code = 'DIRECTORY_EXISTS'
}

const usualFirstPort = 4100
const usualGatewayUrl = 'http://127.0.0.1:8080'
const usualPlace: Place = { beneficiaryAccountId: 'bac_stp-fees', agencyCode: 'H56.14' }

/** In this order from the first port on; new partners are added at the end, so that the others keep their places. */
const places: readonly PartnerName[] = [
  ...(['index', 'vnpay', 'vietqr', 'vietinbank', 'dossier', 'issuer', 'onepay', 'billPull', 'nationalPortal'] as const),
  ...(['napas', 'momo', 'zalopay', 'payos', 'vietqrvn', 'vietqrvnHmac'] as const),
]

export function sandboxPorts(first: number = usualFirstPort): Partial<Record<PartnerName, number>> {
  return Object.fromEntries(places.map((name, index) => [name, first === 0 ? 0 : first + index]))
}

/** Tells every partner where the gateway is. */
export function connectGateway(
  sandbox: Sandbox,
  gatewayUrl: string,
  ids: AccountIds = {},
  webhookSecret?: string,
): void {
  registerCallbacks(sandbox, gatewayUrl, ids)
  sandbox.dossier.jwksUrl = `${gatewayUrl.replace(/\/+$/, '')}/.well-known/jwks.json`
  if (webhookSecret !== undefined) sandbox.dossier.secret = webhookSecret
}

/** Starts, prints what a gateway must be told, and resolves when it has stopped. Throws `DirectoryExists`. */
export async function runSandbox(options: RunSandboxOptions = {}): Promise<void> {
  const { random } = makeContext(options)
  const { gatewayUrl = usualGatewayUrl, folder = 'data', railAccounts: ids = {}, webhookSecret } = options
  const keys = options.keys ?? (await openSandboxKeys(join(folder, 'sandbox-keys.json'), random))
  const ports = { ...sandboxPorts(options.firstPort), ...options.ports }
  const sandbox = await startSandbox({ ...options, keys, ports })
  try {
    connectGateway(sandbox, gatewayUrl, ids, webhookSecret)
    const place = { ...usualPlace, ...options.place }
    const directory = exampleDirectory(place, railAccountsOf(sandbox, place, { ids }), options.tenant)
    const { directoryFile } = options
    if (directoryFile !== undefined) writeDirectory(directoryFile, directory)
    const print = options.print ?? ((line) => process.stdout.write(`${line}\n`))
    for (const line of introduction(sandbox, gatewayUrl, ids, directoryFile)) print(line)
    print('railAccounts:')
    print(JSON.stringify(directory.railAccounts, null, 2))
    await stopped(options.signal)
  } finally {
    await sandbox.close()
  }
}

function introduction(
  sandbox: Sandbox,
  gatewayUrl: string,
  ids: AccountIds,
  directoryFile: string | undefined,
): readonly string[] {
  const addresses: readonly (readonly [name: string, url: string])[] = [
    ['all pages', sandbox.baseUrl],
    ['bank app (QR)', `${sandbox.vietqr.baseUrl}/app`],
    ['one-time codes', `${sandbox.vietinbank.baseUrl}/phone`],
    ['bank counter', `${sandbox.billPull.baseUrl}/counter`],
    ['webhooks', sandbox.dossier.webhookUrl],
    ['officers', sandbox.issuer.issuer],
    ...sandboxRails.map(({ partner }) => [accountIdOf(partner, ids), sandbox[partner].baseUrl] as const),
  ]
  return [
    'Đối tác giả lập / Simulated partners:',
    ...addresses.map(([name, url]) => `  ${name.padEnd(24)} ${url}`),
    `  ${'callbacks go to'.padEnd(24)} ${gatewayUrl}`,
    '',
    'To join them to a gateway:',
    `  1. start it with OFFICER_ISSUER=${sandbox.issuer.issuer} WEBHOOK_ALLOWED_RANGES=127.0.0.0/8`,
    directoryFile === undefined
      ? '  2. put the rail accounts below into "railAccounts" of its directory file (or let --directory write a whole one) and load it'
      : `  2. load ${directoryFile}: feegate directory load ${directoryFile}`,
    `  3. register ${sandbox.dossier.webhookUrl} as webhook endpoint and type its secret into ${sandbox.dossier.baseUrl}`,
    '',
  ]
}

function writeDirectory(file: string, directory: object): void {
  const text = `${JSON.stringify(directory, null, 2)}\n`
  if (!existsSync(file)) writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  else if (readFileSync(file, 'utf8') !== text)
    throw new DirectoryExists(`${file} is there already and says something else: move it away, or name another file`)
}

function stopped(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve()
    else if (signal !== undefined) signal.addEventListener('abort', () => resolve(), { once: true })
    else for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve())
  })
}
