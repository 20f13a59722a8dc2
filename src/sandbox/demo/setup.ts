/** Brings up the gateway and its partners and introduces them to each other. */
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadCatalogue } from '../../catalogue/load.ts'
import { addClient } from '../../clients/manage.ts'
import { scopes } from '../../clients/scopes.ts'
import { readConfig } from '../../config.ts'
import { type Directory, loadDirectory } from '../../directory/load.ts'
import type { Environment } from '../../environment.ts'
import { createLogger } from '../../log.ts'
import { type RunningGateway, startServing } from '../../serve.ts'
import { type Sandbox, startSandbox } from '../partners/start.ts'
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
export const accounts = { vnpay: 'vnpay-demo', vietqr: 'vietqr-demo', vietinbank: 'vietinbank-demo' } as const

export async function setUp(environment: Environment): Promise<Demo> {
  const sandbox = await startSandbox({ now: environment.now })
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

  const catalogue: unknown = JSON.parse(
    readFileSync(new URL('../data/illustrative-catalogue.json', import.meta.url), 'utf8'),
  )
  const portal = createPortal(environment.now)
  const { load, client } = await running.database.transaction(async (tx) => {
    await loadDirectory(tx, environment, directory(sandbox), 'demo', running.vault)
    const load = await loadCatalogue(tx, environment, {
      tenantId,
      actor: 'demo',
      data: catalogue,
      refuseIllustrative: config.mode === 'production',
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
  sandbox.vnpay.callbackUrl = `${running.publicUrl}/callbacks/vnpay/${accounts.vnpay}`
  sandbox.bank.callbackUrl = `${running.publicUrl}/callbacks/vietqr/${accounts.vietqr}`
  sandbox.vietinbank.callbackUrl = `${running.publicUrl}/callbacks/vietinbank/${accounts.vietinbank}`
  sandbox.dossier.jwksUrl = `${running.publicUrl}/.well-known/jwks.json`
  const [{ rates } = { rates: 0n }] = await running.database.query<{ rates: bigint }>(
    'SELECT count(*) AS rates FROM fee_rates WHERE tenant_id = $1 AND withdrawn_at IS NULL',
    [tenantId],
  )
  return { running, sandbox, portal, logFile, catalogue: { procedures: load.procedures, rates: Number(rates) } }
}

function directory(sandbox: Sandbox): Directory {
  const beneficiaryAccountId = 'bac_demo-stp'
  return {
    format: 'feegate-directory/1',
    tenant: { id: tenantId, name: 'Tỉnh Thanh Hóa (demo)' },
    agencies: [
      {
        code: agencyCode,
        nameVi: 'Sở Tư pháp tỉnh Thanh Hóa',
        nameEn: 'Department of Justice, Thanh Hoa',
        taxCode: '0100111948',
        validFrom: '2020-01-01',
      },
    ],
    beneficiaryAccounts: [
      {
        id: beneficiaryAccountId,
        agencyCode,
        creditor: 'COLLECTING_AGENCY',
        creditorName: 'Sở Tư pháp tỉnh Thanh Hóa',
        creditorTaxCode: '0100111948',
        bankBin: '970415',
        accountNumber: '113366668888',
        accountName: 'SO TU PHAP',
      },
    ],
    railAccounts: [
      {
        id: accounts.vietqr,
        rail: 'vietqr',
        beneficiaryAccountId,
        titleVi: 'Chuyển khoản VietQR',
        titleEn: 'VietQR transfer',
        config: sandbox.bank.accountConfig(),
        position: 1,
      },
      {
        id: accounts.vnpay,
        rail: 'vnpay',
        beneficiaryAccountId,
        titleVi: 'Thẻ hoặc tài khoản qua VNPAY',
        titleEn: 'Card or account by VNPAY',
        config: sandbox.vnpay.accountConfig(),
        position: 2,
      },
      {
        id: accounts.vietinbank,
        rail: 'vietinbank',
        beneficiaryAccountId,
        titleVi: 'Tài khoản VietinBank (OTP)',
        titleEn: 'VietinBank account (one-time code)',
        config: sandbox.vietinbank.accountConfig(),
        position: 3,
      },
    ],
  }
}

/** The usual port when nobody has it, else any. */
async function freePort(wanted: number): Promise<number> {
  return await new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(wanted)))
  })
}
