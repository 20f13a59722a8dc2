/** Paid invoices and what issues their receipts, with a clock a test can set. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import type { Test } from 'tap'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { createHttpCaller } from '../../src/network/http-caller.ts'
import type { ExternalOptions } from '../../src/receipt/issue-external.ts'
import { createSettler } from '../../src/settlement/group.ts'
import { type KeyRing, openKeyRing } from '../../src/signing/key-ring.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import type { Database } from '../../src/store/database.ts'
import { insertAll } from '../../src/store/rows.ts'
import { testDatabase } from './database.ts'
import { type TestEnvironment, testEnvironment } from './environment.ts'
import { anId, aSuccess, type Seeded, type SeededInvoice, seedInvoice, seedTenant, seedTime } from './seed.ts'
import { testVault } from './vault.ts'

export type ReceiptRow = {
  readonly id: string
  readonly kind: string
  readonly amount: bigint
  readonly status: string
  readonly template: string | null
  readonly symbol: string | null
  readonly number: number | null
  readonly issuedAt: Date | null
  readonly issuedOn: string | null
  readonly jws: string | null
  readonly relation: string | null
  readonly relatesToId: string | null
  readonly lastError: string | null
  readonly alarm: string | null
  readonly invoiceId: string
}

export type ReceiptBench = {
  readonly url: string
  readonly database: Database
  readonly seeded: Seeded
  readonly environment: TestEnvironment
  readonly keys: KeyRing
  readonly metrics: Metrics
  readonly options: ExternalOptions
  /** Lines of the log, as objects. */
  readonly logged: { level: string; msg: string; [name: string]: unknown }[]
  /** A new invoice with a lệ phí of 50,000 and a phí of 8,000, paid now. */
  pay(over?: Parameters<typeof seedInvoice>[2], seeded?: Seeded): Promise<SeededInvoice>
  settle(invoice: SeededInvoice, seeded?: Seeded): Promise<void>
  receipts(invoiceId?: string): Promise<ReceiptRow[]>
}

export async function receiptBench(t: Test, { maxConnections = 10 } = {}): Promise<ReceiptBench> {
  const { database, url } = await testDatabase(t, { maxConnections })
  const seeded = await seedTenant(database)
  const environment = testEnvironment()
  const folder = mkdtempSync(join(tmpdir(), 'feegate-keys-'))
  const keys = openKeyRing(folder)
  await keys.generate('ES256', seedTime)
  const settler = createSettler({ database, environment })
  const calls = createHttpCaller()
  const metrics = createMetrics()
  const logged: ReceiptBench['logged'] = []
  const log = pino(
    { level: 'info', formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => void logged.push(JSON.parse(line)) },
  )
  t.teardown(async () => {
    await settler.close()
    await calls.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const settle: ReceiptBench['settle'] = async (invoice, owner = seeded) => {
    const outcome = aSuccess(owner, invoice, { paidAt: environment.now() })
    await settler.settle({ outcome, transferRail: false })
  }
  return {
    url,
    database,
    seeded,
    environment,
    keys,
    metrics,
    logged,
    options: {
      database,
      environment,
      sign: createTokens(keys).sign,
      publicUrl: () => 'https://feegate.example',
      metrics,
      log,
      call: calls.call,
      vault: testVault(),
    },
    async pay(over = {}, owner = seeded) {
      const invoice = await seedInvoice(database, owner, {
        expiresAt: new Date(environment.now().getTime() + 86_400_000),
        ...over,
      })
      await settle(invoice, owner)
      return invoice
    },
    settle,
    receipts: (invoiceId) =>
      database.query<ReceiptRow>(
        `SELECT id, kind, amount, status, template, symbol, number, issued_at AS "issuedAt", issued_on AS "issuedOn", jws, relation,
                relates_to_id AS "relatesToId", last_error AS "lastError", alarm, invoice_id AS "invoiceId"
           FROM receipts WHERE $1::text IS NULL OR invoice_id = $1 ORDER BY requested_at, invoice_id, kind, id`,
        [invoiceId ?? null],
      ),
  }
}

/** Runs a statement past the grants of the service. */
export async function asOwner(url: string, statement: string, values: readonly unknown[] = []): Promise<object[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(statement, [...values])).rows
  } finally {
    await client.end()
  }
}

let agencies = 0

/** A second agency with a beneficiary account and rail account of its own, in the tenant of the first. */
export async function seedAgency(database: Database, seeded: Seeded, over: { taxCode?: string } = {}): Promise<Seeded> {
  const beneficiaryAccountId = anId('bac')
  const agencyCode = `${seeded.agencyCode}.${++agencies}`
  const taxCode = over.taxCode ?? '0100111948'
  const [account] = await database.query<Record<string, never>>('SELECT * FROM beneficiary_accounts WHERE id = $1', [
    seeded.beneficiaryAccountId,
  ])
  await insertAll(database, 'agencies', [
    {
      code: agencyCode,
      tenant_id: seeded.tenantId,
      name_vi: 'Công an phường',
      name_en: 'Ward police',
      tax_code: taxCode,
      address: '',
      aliases: [],
      valid_from: '2020-01-01',
    },
  ])
  await insertAll(database, 'beneficiary_accounts', [
    { ...account, id: beneficiaryAccountId, agency_code: agencyCode, creditor_tax_code: taxCode },
  ])
  const railAccountId = `${seeded.railAccountId}-${beneficiaryAccountId.slice(-4)}`
  await database.query(
    `INSERT INTO rail_accounts SELECT $2, tenant_id, rail, $3, title_vi, title_en, config, status, position, created_at, updated_at FROM rail_accounts WHERE id = $1`,
    [seeded.railAccountId, railAccountId, beneficiaryAccountId],
  )
  return { ...seeded, agencyCode, beneficiaryAccountId, railAccountId }
}
