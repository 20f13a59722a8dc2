/** Everything of one run, put together: world, stores, replicas, portal, banks, dossier system. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { loadCatalogue } from '../../../src/catalogue/load.ts'
import { addClient } from '../../../src/clients/manage.ts'
import { scopes } from '../../../src/clients/scopes.ts'
import { loadDirectory } from '../../../src/directory/load.ts'
import { issueAccessToken } from '../../../src/http/auth/access-token.ts'
import { saveSource } from '../../../src/reconciliation/sources.ts'
import { loadTerms, reconciliationTerms } from '../../../src/reconciliation/terms.ts'
import type { SandboxKeys } from '../../../src/sandbox/keys.ts'
import { type GenericBank, startGenericBank } from '../../../src/sandbox/rails/bill-pull-generic.ts'
import { masterKeysOf } from '../../../src/secrets/master-keys.ts'
import { createVault } from '../../../src/secrets/vault.ts'
import type { KeyRing } from '../../../src/signing/key-ring.ts'
import { createTokens } from '../../../src/signing/tokens.ts'
import type { Transaction } from '../../../src/store/database.ts'
import { testDirectory } from '../../harness/gateway.ts'
import { filingAccount, noStatements, type Statements } from '../acts/statements.ts'
import { simulatedEnvironment } from '../engine/environment.ts'
import { Postgres, type Server } from '../engine/postgres.ts'
import { SimulatedRedis } from '../engine/redis.ts'
import { type Host, World } from '../engine/world.ts'
import { Banks } from './banks.ts'
import { DossierSystem } from './dossiers.ts'
import { Portal } from './portal.ts'
import { type RailName, rails } from './rails.ts'
import { publicUrl, Replicas } from './replicas.ts'

/** What one process opens once and uses for every seed. */
export type Machine = {
  readonly server: Server
  readonly redis: Redis
  readonly keys: KeyRing
  readonly bankKeys: SandboxKeys
  /** The client's public key; its private half signs nothing here: the token is made directly. */
  readonly clientJwk: object
}

export type Stage = {
  readonly keys: KeyRing
  readonly world: World
  readonly server: Server
  readonly postgres: Postgres
  readonly redis: SimulatedRedis
  readonly replicas: Replicas
  readonly banks: Banks
  readonly dossiers: DossierSystem
  readonly portal: Portal
  /** Parties outside: they never die. */
  readonly outside: Host
  /** Banks that pay bills by the generic profile, by rail account; `bill-pull-sim` is one of VietinBank's message set. */
  readonly pullBanks: ReadonlyMap<string, GenericBank>
  /** `account key` of payments that they were told are on record. */
  readonly pullBanksKnow: Set<string>
  /** `account key` of payments that a bank was told are taken back. */
  readonly takenBack: Set<string>
  readonly statements: Statements
  /** Rails, or statements, that named other amounts than were paid: what they say is on record, not what was. */
  readonly lyingRails: Set<RailName | 'statement'>
}

export const endpointId = 'whe_0000000000000000000dossier'

/** A day on which every rule of the illustrative catalogue is in force; its night ends a month later for some. */
const start = new Date('2026-11-20T02:00:00Z')
export const otherBankId = 'bill-pull-other'
/** Pays into the State budget's account, for taxes. */
export const budgetBankId = 'bill-pull-budget'
const tokenLifeMs = 60 * 24 * 60 * 60 * 1000
const catalogue: unknown = JSON.parse(
  readFileSync(new URL('../../../src/sandbox/data/illustrative-catalogue.json', import.meta.url), 'utf8'),
)

export async function openStage(seed: string, machine: Machine): Promise<Stage> {
  const { server, keys } = machine
  await server.reset()
  await machine.redis.flushdb()
  const world = new World(seed, start)
  const outside: Host = { name: 'outside', alive: true, skewMs: 0 }
  const environment = simulatedEnvironment(world, { name: 'set-up', alive: true, skewMs: 0 })
  const vault = createVault({
    masterKeys: masterKeysOf(`sim:${Buffer.alloc(32, 1).toString('base64')}`, 'the simulation', environment.random),
    random: environment.random,
  })
  const owner: Transaction = {
    query: (text, values) => server.query(text, values),
    copyIn: () => Promise.reject(new Error('nothing of the simulation streams rows')),
  }
  const postgres = new Postgres(world, server, 6)
  const redis = new SimulatedRedis(world, machine.redis)
  const dossiers = new DossierSystem(world)
  const banks = await Banks.open(world, outside, machine.bankKeys, (request) => replicas.receive(request))
  const { bank: bankKeys, gateway: gatewayKeys } = machine.bankKeys.vietinbank
  const pullBanks = new Map<string, GenericBank>()
  for (const accountId of [otherBankId, budgetBankId])
    pullBanks.set(accountId, await startGenericBank(banks.context, { accountId, bankKeys, gatewayKeys }))
  const replicas: Replicas = new Replicas(world, {
    postgres,
    redis,
    keys,
    vault,
    banks,
    dossiers: (post) => dossiers.receive(post),
  })
  world.locks = server
  world.onCrash = (host) => replicas.forget(host)

  const [model] = testDirectory().railAccounts
  if (model === undefined) throw new Error('the directory has no rail account to copy')
  const { tenantId } = await loadDirectory(
    owner,
    environment,
    testDirectory({
      railAccounts: [
        ...rails.map((rail) => ({ id: `${rail}-sim`, rail, config: configOf(banks, rail) })),
        { id: 'bill-pull-sim', rail: 'bill-pull', config: { ...banks.sandbox.billPull.accountConfig() } },
        ...[...pullBanks].map(([id, bank]) => ({ id, rail: 'bill-pull', config: { ...bank.accountConfig() } })),
        { id: 'counter-sim', rail: 'counter', config: { cashMaximum: 5_000_000 } },
      ].map((account, position) => ({
        ...model,
        ...account,
        position,
        beneficiaryAccountId: account.id === budgetBankId ? 'bac_h56-14-state' : model.beneficiaryAccountId,
      })),
    }),
    'simulation',
    vault,
  )
  await loadCatalogue(owner, environment, { tenantId, actor: 'simulation', data: catalogue, refuseIllustrative: false })
  const { clientId } = await addClient(
    owner,
    environment,
    {
      tenantId,
      name: 'Cổng mô phỏng',
      scopes,
      agencyCodes: [],
      returnOrigins: ['https://portal.example'],
      requestsPerMinute: 1_000_000,
      jwk: machine.clientJwk,
    },
    'simulation',
  )
  const tokens = createTokens(keys)
  const token = await issueAccessToken(
    // Its life is the run's: tokens and their end are not what is simulated.
    (claims, typ) => tokens.sign({ ...claims, exp: Math.floor((world.now + tokenLifeMs) / 1000) }, typ),
    { clientId, tenantId, scopes },
    scopes.join(' '),
    publicUrl,
    'simulation',
    new Date(world.now),
  )
  dossiers.secret = `whsec_${createHash('sha256').update(seed).digest('base64')}`
  await server.query(
    `INSERT INTO webhook_endpoints (id, tenant_id, client_id, url, secrets, status, created_at, updated_at)
     VALUES ($5, $1, $2, 'https://dossiers.sim/', $3, 'ACTIVE', $4, $4)`,
    [tenantId, clientId, JSON.stringify([{ secret: dossiers.secret }]), new Date(world.now), endpointId],
  )
  await saveSource(
    owner,
    environment,
    tenantId,
    { kind: 'SETTLEMENT', name: 'vnpay', filePattern: 'vnpay-*', layout: 'feegate-rows', railAccountId: filingAccount },
    'simulation',
  )
  await loadTerms(
    owner,
    environment,
    tenantId,
    reconciliationTerms.parse({
      format: 'feegate-reconciliation/1',
      railTerms: [{ railAccountId: filingAccount, validFrom: '2026-01-01', legs: 3, fee: { flat: 0, ppm: 0 } }],
    }),
    'simulation',
  )
  const portal = new Portal(world, outside, token, (request) => replicas.receive(request))
  for (const rail of rails) banks.sandbox[rail].callbackUrl = `${publicUrl}/callbacks/${rail}/${rail}-sim`
  banks.sandbox.billPull.callbackUrl = `${publicUrl}/callbacks/bill-pull/bill-pull-sim`
  for (const [id, bank] of pullBanks) bank.callbackUrl = `${publicUrl}/callbacks/bill-pull/${id}`
  return {
    ...{ keys, world, server, postgres, redis, replicas, banks, dossiers, portal, outside },
    ...{
      pullBanks,
      pullBanksKnow: new Set(),
      takenBack: new Set(),
      statements: noStatements(),
      lyingRails: new Set(),
    },
  }
}

function configOf({ sandbox }: Banks, rail: RailName): Record<string, unknown> {
  return { ...sandbox[rail].accountConfig() }
}
