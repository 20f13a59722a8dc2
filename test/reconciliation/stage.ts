/** A tenant with payments settled through the real door, a bank that writes statements about them, and runs over both. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Outcome } from '../../src/domain/outcome.ts'
import { breakClasses } from '../../src/domain/reconciliation/breaks.ts'
import type { ImportResult } from '../../src/reconciliation/import/file.ts'
import { receiveFile, type SourceReading } from '../../src/reconciliation/import/receive.ts'
import { checkReconciled } from '../../src/reconciliation/invariant.ts'
import { type RunFigures, reconcile } from '../../src/reconciliation/run.ts'
import { createSettler, type Settler } from '../../src/settlement/group.ts'
import type { Database } from '../../src/store/database.ts'
import { testDatabase } from '../harness/database.ts'
import { type TestEnvironment, testEnvironment } from '../harness/environment.ts'
import { aSuccess, type Seeded, type SeededInvoice, seedInvoice, seedTenant } from '../harness/seed.ts'
import { testVault } from '../harness/vault.ts'

/** Friday. */
export const payDay = '2026-11-20'
/** The Monday after, in the morning: the statement of Friday is there. */
export const dayAfter = new Date('2026-11-23T02:00:00Z')
export const accountNumber = '113366668888'

export type Stage = {
  readonly database: Database
  readonly url: string
  readonly environment: TestEnvironment
  readonly settler: Settler
  readonly seeded: Seeded
  /** An invoice and, unless told otherwise, its payment on record. */
  pay(over?: Partial<Outcome> & { total?: bigint }): Promise<Paid>
  /** Writes the statement of a day and imports it. */
  statement(lines: readonly BankLine[], over?: Partial<StatementOver>): Promise<ImportResult>
  importText(text: string, source?: SourceReading, supersedesId?: string, name?: string): Promise<ImportResult>
  run(at?: Date): Promise<RunFigures>
  /** Open breaks of money; with `duties`, the others (receipts, pushes, balances) instead. */
  breaks(about?: 'money' | 'duties'): Promise<BreakRow[]>
  violations(): Promise<unknown[]>
}

export type Paid = SeededInvoice & { readonly txn: string; readonly settlementId: string }
export type BankLine = {
  readonly amount: bigint
  readonly reference?: string | null
  readonly text?: string
  readonly mark?: 'C' | 'D' | 'RC' | 'RD'
  readonly customer?: string
  /** `yyyy-MM-dd`. */
  readonly day?: string
  readonly valueDay?: string
}
export type StatementOver = {
  readonly day: string
  readonly id: string
  readonly opening: bigint
  readonly account: string
  readonly currency: string
  readonly supersedesId: string
}
export type BreakRow = {
  readonly id: bigint
  readonly class: string
  readonly status: string
  readonly amount: bigint
  readonly key: string
  readonly evidence: Record<string, unknown>
}

export const anyStatement: SourceReading = { kind: 'STATEMENT', sourceId: null }

export async function reconciliationStage(t: Test, over: { rail?: string } = {}): Promise<Stage> {
  const { database, url } = await testDatabase(t, { maxConnections: 8 })
  const environment = testEnvironment(new Date('2026-11-20T04:00:00Z'))
  const settler = createSettler({ database, environment })
  const seeded = await seedTenant(database, over)
  return stageOf(t, { database, url, environment, settler, seeded })
}

/** Stages of one database, each with a tenant of its own: what a file of many tests needs. */
export async function stagesOf(t: Test, over: { rail?: string } = {}): Promise<(t: Test) => Promise<Stage>> {
  const { database, url } = await testDatabase(t, { maxConnections: 8 })
  return async (t) => {
    const environment = testEnvironment(new Date('2026-11-20T04:00:00Z'))
    const seeded = await seedTenant(database, over)
    return stageOf(t, { database, url, environment, settler: createSettler({ database, environment }), seeded })
  }
}

export function stageOf(t: Test, base: Pick<Stage, 'database' | 'url' | 'environment' | 'settler' | 'seeded'>): Stage {
  const { database, environment, settler, seeded } = base
  const folder = t.testdir()
  let statements = 0
  let closing = 0n
  const vault = testVault()
  const options = { database, environment, vault }
  const stage: Stage = {
    ...base,
    async pay({ total, ...outcome } = {}) {
      const invoice = await seedInvoice(database, seeded, total === undefined ? {} : { total })
      const txn = outcome.railTransactionId ?? `FT${randomBytes(5).toString('hex').toUpperCase()}`
      const result = await settler.settle({
        outcome: aSuccess(seeded, invoice, { ...outcome, railTransactionId: txn }),
        transferRail: true,
      })
      return { ...invoice, txn, settlementId: result.settlementId ?? '' }
    },
    async statement(lines, given = {}) {
      statements += 1
      const opening = given.opening ?? closing
      const text = mt940(lines, {
        id: given.id ?? `${statements}/1`,
        day: given.day ?? payDay,
        account: given.account ?? accountNumber,
        currency: given.currency ?? 'VND',
        opening,
      })
      if (given.account === undefined) closing = opening + movement(lines)
      return await stage.importText(text, anyStatement, given.supersedesId)
    },
    async importText(text, source = anyStatement, supersedesId, name = `statement-${statements}.sta`) {
      const path = join(folder, `${randomBytes(4).toString('hex')}-${name}`)
      writeFileSync(path, text)
      return await receiveFile(options, {
        tenantId: seeded.tenantId,
        path,
        name,
        origin: 'COMMAND',
        actor: 'officer-1',
        source,
        ...(supersedesId === undefined ? {} : { supersedesId }),
      })
    },
    async run(at = dayAfter) {
      environment.set(at)
      const log = pino({ level: 'silent' })
      return (await reconcile({ database, environment, settler, log }, seeded.tenantId, 'officer-1')).figures
    },
    breaks: (about = 'money') =>
      database.query<BreakRow>(
        `SELECT id, class, status, amount, key, evidence FROM breaks
          WHERE tenant_id = $1 AND status IN ('OPEN', 'WAITING') AND class = ANY($2) ORDER BY id`,
        [
          seeded.tenantId,
          breakClasses.filter((entry) => (entry.about === 'DUTY') === (about === 'duties')).map(({ code }) => code),
        ],
      ),
    violations: () => checkReconciled(database, seeded.tenantId),
  }
  return stage
}

export function movement(lines: readonly BankLine[]): bigint {
  return lines.reduce((sum, { amount, mark = 'C' }) => sum + (mark === 'C' || mark === 'RD' ? amount : -amount), 0n)
}

export function mt940(
  lines: readonly BankLine[],
  { id, day, account, currency, opening }: Omit<StatementOver, 'supersedesId'>,
): string {
  const short = (date: string): string => date.slice(2).replaceAll('-', '')
  const balance = (amount: bigint): string =>
    `${amount < 0n ? 'D' : 'C'}${short(day)}${currency}${(amount < 0n ? -amount : amount).toString()},`
  return [
    `:20:M${id.replace('/', '-')}`,
    `:25:${account}`,
    `:28C:${id}`,
    `:60F:${balance(opening)}`,
    ...lines.flatMap(
      ({
        amount,
        reference = null,
        text = '',
        mark = 'C',
        customer = 'NONREF',
        day: booked = day,
        valueDay = booked,
      }) => [
        `:61:${short(valueDay)}${booked.slice(5).replace('-', '')}${mark}${amount},NTRF${customer}${reference === null ? '' : `//${reference}`}`,
        ...(text === '' ? [] : [`:86:${text}`]),
      ],
    ),
    `:62F:${balance(opening + movement(lines))}`,
    '',
  ].join('\r\n')
}
