/** Brings up the gateway and its partners and introduces them to each other. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadCatalogue } from '../../catalogue/load.ts'
import { addClient } from '../../clients/manage.ts'
import { scopes } from '../../clients/scopes.ts'
import { readConfig } from '../../config.ts'
import { loadDirectory } from '../../directory/load.ts'
import type { Environment } from '../../environment.ts'
import { createLogger } from '../../log.ts'
import { type RunningGateway, startServing } from '../../serve.ts'
import { exampleDirectory } from '../example-directory.ts'
import { type AccountIds, accountIdOf, type Place, type RailName, railAccountsOf } from '../rail-list.ts'
import { connectGateway } from '../run.ts'
import { type Sandbox, startSandbox } from '../start.ts'
import { createPortal, type Portal } from './portal.ts'

export type Demo = {
  readonly running: RunningGateway
  readonly sandbox: Sandbox
  readonly portal: Portal
  readonly logFile: string
  readonly catalogue: { procedures: number; rates: number }
}

const tenantId = 'ten_thanhhoa'
export const agencyCode = 'H56.14'
const place: Place = { agencyCode, beneficiaryAccountId: 'bac_demo-stp' }
/** What the payment page of the demo offers. */
const offered: readonly RailName[] = ['vietqr', 'vnpay', 'vietinbank', 'napas', 'onepay', 'momo', 'zalopay']
const ids: AccountIds = Object.fromEntries(offered.map((partner) => [partner, `${partner}-demo`]))
export const accounts = { vnpay: accountIdOf('vnpay', ids), vietinbank: accountIdOf('vietinbank', ids) }

export async function setUp(environment: Environment): Promise<Demo> {
  const sandbox = await startSandbox({ clock: environment, tenant: tenantId })
  try {
    return await joinGateway(sandbox, environment)
  } catch (error) {
    await sandbox.close()
    throw error
  }
}

async function joinGateway(sandbox: Sandbox, environment: Environment): Promise<Demo> {
  const dataDir = process.env.DATA_DIR ?? './data/demo'
  mkdirSync(dataDir, { recursive: true })
  const logFile = join(dataDir, 'gateway.log')
  const config = readConfig({
    ...process.env,
    DATA_DIR: dataDir,
    PORT: process.env.PORT ?? String(await freePort(8080)),
    OFFICER_ISSUER: sandbox.issuer.baseUrl,
    WEBHOOK_ALLOWED_RANGES: '127.0.0.0/8',
  })
  const log = createLogger(config.logLevel, pino.destination({ dest: logFile, sync: true }))
  const running = await startServing(config, log, environment)
  try {
    return await introduce(running, sandbox, environment, { production: config.mode === 'production', logFile })
  } catch (error) {
    await running.stop()
    throw error
  }
}

async function introduce(
  running: RunningGateway,
  sandbox: Sandbox,
  environment: Environment,
  { production, logFile }: { production: boolean; logFile: string },
): Promise<Demo> {
  const catalogue: unknown = JSON.parse(
    readFileSync(new URL('../data/illustrative-catalogue.json', import.meta.url), 'utf8'),
  )
  const portal = createPortal(environment.now)
  const { load, client } = await running.database.transaction(async (tx) => {
    const railAccounts = railAccountsOf(sandbox, place, { ids, only: offered })
    await loadDirectory(tx, environment, exampleDirectory(place, railAccounts, tenantId), 'demo', running.vault)
    const load = await loadCatalogue(tx, environment, {
      tenantId,
      actor: 'demo',
      data: catalogue,
      refuseIllustrative: production,
    })
    const client = await addClient(
      tx,
      environment,
      {
        tenantId,
        name: 'Cổng dịch vụ công (demo)',
        scopes,
        agencyCodes: [],
        returnOrigins: [],
        requestsPerMinute: 600,
        jwk: portal.publicJwk,
      },
      'demo',
    )
    return { load, client }
  })
  portal.connect(running.publicUrl, client.clientId, client.kid)
  connectGateway(sandbox, running.publicUrl, ids)
  const [{ rates } = { rates: 0n }] = await running.database.query<{ rates: bigint }>(
    'SELECT count(*) AS rates FROM fee_rates WHERE tenant_id = $1 AND withdrawn_at IS NULL',
    [tenantId],
  )
  return { running, sandbox, portal, logFile, catalogue: { procedures: load.procedures, rates: Number(rates) } }
}

/** The usual port when nobody has it, else any. */
async function freePort(wanted: number): Promise<number> {
  return await new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(wanted)))
  })
}
