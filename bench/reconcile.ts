/**
 * A day of payments against the bank's statement of it: 98 % carry the rail transaction id, 1 % only a pay code in the text, 1 % break.
 * The run is measured beside the database alone: the join of the same two tables, its pairs stored as matches.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { makePayCode } from '../src/domain/pay-code.ts'
import { chunked, copyRow } from '../src/reconciliation/import/copy-text.ts'
import type { Database } from '../src/store/database.ts'
import { type Seeded, seedTenant } from '../test/harness/seed.ts'
import { withDatabase } from './stage.ts'

const sizes = [100_000, 1_000_000]
const shares = { text: 100, broken: 100 }

const workerResult = z.object({
  loadSeconds: z.number(),
  matchSeconds: z.number(),
  peakRssMiB: z.number(),
  matched: z.record(z.string(), z.number()),
  breaks: z.record(z.string(), z.number()),
  violations: z.number(),
})
type Measured = z.infer<typeof workerResult> & { readonly limitSeconds: number; readonly joinSeconds: number }

export async function benchReconcile(): Promise<void> {
  const wanted = process.env.BENCH_LINES === undefined ? sizes : process.env.BENCH_LINES.split(',').map(Number)
  const measured: [number, Measured][] = []
  for (const size of wanted) {
    const result = await measure(size)
    print(size, result)
    measured.push([size, result])
  }
  const [small, large] = measured
  if (small === undefined || large === undefined) return
  const seconds = ([, result]: [number, Measured]): number => result.loadSeconds + result.matchSeconds
  process.stdout.write(
    `  ${large[0] / small[0]} × the lines take ${(seconds(large) / seconds(small)).toFixed(1)} × the time (matching alone ${(large[1].matchSeconds / small[1].matchSeconds).toFixed(1)} ×)\n`,
  )
}

async function measure(size: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-bench-statement-'))
  try {
    let result: Measured | null = null
    await withDatabase(async (database, url) => {
      const seeded = await seedTenant(database, { rail: 'vietqr' })
      const file = join(folder, 'statement.sta')
      await makeDay(database, seeded, size, file)
      process.stderr.write(
        `${size} payments and a statement of ${Math.round(statSync(file).size / 2 ** 20)} MiB are ready\n`,
      )
      const worker = await runWorker([url, seeded.tenantId, file])
      const limit = await measureLimit(database)
      result = { ...worker, ...limit }
    })
    if (result === null) throw new Error('no result')
    return result
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In its own process, so that its memory is the gateway's alone. */
async function runWorker(args: readonly string[]): Promise<z.infer<typeof workerResult>> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('reconcile-worker.ts', import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8')
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the worker ended with ${code}`)
  return workerResult.parse(JSON.parse(out))
}

/**
 * The best of three: the join of the same two tables, its pairs stored as matches by one statement; no rule but the one, no second
 * candidate looked for, no break. And the join without storing anything.
 */
async function measureLimit(database: Database): Promise<{ limitSeconds: number; joinSeconds: number }> {
  const join = `FROM statement_lines l JOIN settlements s ON s.rail_transaction_id = l.bank_reference AND s.amount = l.amount_vnd AND s.direction = 'IN'`
  const timed = async (statements: readonly string[]): Promise<number> => {
    let best = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 3; attempt++) {
      const begin = performance.now()
      await database.transaction(async (tx) => {
        await tx.query(`SET LOCAL work_mem = '256MB'`, [])
        await tx.query(`SET LOCAL statement_timeout = 0`, [])
        await tx.query(`SET LOCAL role none`, [])
        for (const statement of statements) await tx.query(statement, [])
      })
      best = Math.min(best, (performance.now() - begin) / 1000)
    }
    return best
  }
  const joinSeconds = await timed([`SELECT count(*) ${join}`])
  const limitSeconds = await timed([
    'DROP TABLE IF EXISTS bench_items',
    'CREATE TABLE bench_items (LIKE reconciliation_items INCLUDING ALL)',
    `INSERT INTO bench_items (run_id, line_id, settlement_id, counted_on, line_day, payment_day, rule_set_version, tenant_id, rail_account_id, rule, evidence)
     SELECT 1, l.id, s.id, l.booked_on, l.booked_on, l.booked_on, 1, s.tenant_id, s.rail_account_id, 'RAIL_TRANSACTION',
            jsonb_build_object('railTransactionId', s.rail_transaction_id) ${join}`,
  ])
  return { joinSeconds, limitSeconds }
}

function print(size: number, result: Measured): void {
  const row = (name: string, value: string, against = ''): void => {
    process.stdout.write(`  ${name.padEnd(64)} ${value.padStart(12)}   ${against}\n`)
  }
  process.stdout.write(
    `\nReconciliation of ${size} payments with ${size} statement lines (98 % exact, 1 % in text, 1 % breaks)\n`,
  )
  row(
    'load: read, stage and book the statement',
    `${Math.round(size / result.loadSeconds)} rows/s`,
    `${result.loadSeconds.toFixed(1)} s`,
  )
  row('limit: the join alone, its pairs stored as matches', `${result.limitSeconds.toFixed(1)} s`, '1.00 × limit')
  row('  the same join without storing anything', `${result.joinSeconds.toFixed(1)} s`)
  row(
    'match: all rules, breaks and their history',
    `${result.matchSeconds.toFixed(1)} s`,
    `${(result.matchSeconds / result.limitSeconds).toFixed(2)} × limit`,
  )
  row('peak memory of the gateway process', `${Math.round(result.peakRssMiB)} MiB`)
  row('matched', JSON.stringify(result.matched))
  row(
    'breaks',
    JSON.stringify(result.breaks),
    result.violations === 0 ? 'I12 holds' : `${result.violations} violations of I12`,
  )
}

/** Invoices, attempts and settlements by COPY, as the gateway would have left them; the bank's statement as a file. */
export async function makeDay(database: Database, seeded: Seeded, size: number, file: string): Promise<void> {
  const id = (prefix: string, index: number): string => `${prefix}_01m7vk${index.toString(32).padStart(20, '0')}`
  const at = (index: number): string =>
    new Date(Date.UTC(2026, 10, 19, 17, 0, 0) + Math.floor((index / size) * 86_399_000)).toISOString()
  const amount = (index: number): bigint => BigInt(7_000 + (index % 900) * 1_000)
  const codes = Array.from({ length: size }, (_, index) =>
    index % shares.text === 1 ? makePayCode(randomBytes(32)) : '',
  )
  const payCode = (index: number): string => codes[index] || `X${index}`
  const txn = (index: number): string => `FT2632${(index * 7_919).toString().padStart(10, '0')}`
  async function* rows(make: (index: number) => string): AsyncGenerator<string> {
    for (let index = 0; index < size; index++) yield make(index)
  }
  const { tenantId, clientId, agencyCode, beneficiaryAccountId, railAccountId } = seeded
  await database.transaction(async (tx) => {
    await tx.query(`SET LOCAL statement_timeout = 0`, [])
    await tx.query(`SET LOCAL role none`, [])
    await tx.query(`SET LOCAL session_replication_role = replica`, [])
    await tx.copyIn(
      `COPY invoices (id, tenant_id, client_id, version, dossier_code, obligation_key, procedure_code, resolving_agency_code, collecting_agency_code,
         beneficiary_account_id, collection_mode, parties, pricing, total, currency, status, issued_at, expires_at, paid_at, pay_code, pay_token, jws, updated_at) FROM STDIN`,
      chunked(
        rows((index) =>
          copyRow([
            id('inv', index),
            tenantId,
            clientId,
            1n,
            `H56.14-261120-${index}`,
            `o${index}`,
            '2.001195',
            agencyCode,
            agencyCode,
            beneficiaryAccountId,
            'UPFRONT',
            '{}',
            '{}',
            amount(index),
            'VND',
            'PAID',
            at(index),
            '2026-12-20T00:00:00Z',
            at(index),
            payCode(index),
            `t${index}`,
            'a.b.c',
            at(index),
          ]),
        ),
      ),
    )
    await tx.copyIn(
      `COPY payments (id, tenant_id, invoice_id, rail_account_id, merchant_ref, amount, status, locale, rail_transaction_id, paid_at, created_at, expires_at, updated_at) FROM STDIN`,
      chunked(
        rows((index) =>
          copyRow([
            id('pay', index),
            tenantId,
            id('inv', index),
            railAccountId,
            payCode(index),
            amount(index),
            'SUCCEEDED',
            'vi',
            txn(index),
            at(index),
            at(index),
            '2026-12-20T00:00:00Z',
            at(index),
          ]),
        ),
      ),
    )
    await tx.copyIn(
      `COPY settlements (id, tenant_id, rail_account_id, rail_transaction_id, direction, merchant_ref, invoice_id, payment_id, disposition, rule, amount, paid_at, source, evidence, settled_at) FROM STDIN`,
      chunked(
        rows((index) =>
          copyRow([
            id('stl', index),
            tenantId,
            railAccountId,
            txn(index),
            'IN',
            payCode(index),
            id('inv', index),
            id('pay', index),
            'APPLIED',
            'first-success',
            amount(index),
            at(index),
            'CALLBACK',
            '{}',
            at(index),
          ]),
        ),
      ),
    )
  })
  await database.transaction(async (tx) => {
    await tx.query(`SET LOCAL role none`, [])
    await tx.query('ANALYZE invoices, payments, settlements', [])
  })
  const out = createWriteStream(file)
  const write = async (text: string): Promise<void> => {
    if (!out.write(text)) await once(out, 'drain')
  }
  let closing = 0n
  await write(':20:BENCH\r\n:25:113366668888\r\n:28C:324/1\r\n:60F:C261120VND0,\r\n')
  let text = ''
  for (let index = 0; index < size; index++) {
    closing += amount(index)
    const broken = index % shares.broken === 2
    const inText = index % shares.text === 1
    const reference = broken ? `ZZ${index}` : inText ? `BK${index}` : txn(index)
    // A break: another amount under a reference that nobody knows.
    const booked = broken ? amount(index) + 1n : amount(index)
    if (broken) closing += 1n
    text += `:61:2611201120C${booked},NTRFNONREF//${reference}\r\n:86:CONG HOA CHUYEN TIEN NOP LE PHI ${inText ? payCode(index) : 'HO SO'} NGUYEN VAN A ${index}\r\n`
    if (text.length > 65_536) {
      await write(text)
      text = ''
    }
  }
  await write(`${text}:62F:C261120VND${closing},\r\n`)
  out.end()
  await once(out, 'close')
}
