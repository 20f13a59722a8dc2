/** A tenant with a rail that refunds, payments on record, and officers who do what a test says. */
import { pino } from 'pino'
import type { Test } from 'tap'
import type { Outcome } from '../../src/domain/outcome.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createCircuitBreaker } from '../../src/network/circuit-breaker.ts'
import { approveRefund } from '../../src/refund/decide.ts'
import type { RefundProposal } from '../../src/refund/propose.ts'
import type { RefundRailOptions } from '../../src/refund/rail-order.ts'
import { type RefundView, readRefunds } from '../../src/refund/read.ts'
import { confirmReport, reportRefund } from '../../src/refund/report.ts'
import { requestRefund } from '../../src/refund/request.ts'
import type { Vault } from '../../src/secrets/vault.ts'
import { createSettler } from '../../src/settlement/group.ts'
import type { Database } from '../../src/store/database.ts'
import { testDatabase } from './database.ts'
import { type TestEnvironment, testEnvironment } from './environment.ts'
import { type RefundRail, refundRail } from './refund-rail.ts'
import { aSuccess, type Seeded, type SeededInvoice, seedInvoice, seedTenant } from './seed.ts'
import { testVault } from './vault.ts'

export const payee = { accountNumber: '0123456789', accountName: 'NGUYEN VAN AN', bankBin: '970436' }

export type Paid = { readonly invoice: SeededInvoice; readonly settlementId: string }

export type RefundFixture = {
  readonly database: Database
  readonly seeded: Seeded
  readonly environment: TestEnvironment
  readonly vault: Vault
  readonly rail: RefundRail
  readonly options: RefundRailOptions
  settle(outcome: Outcome, transferRail?: boolean): Promise<string>
  /** A paid invoice of 58,000: a fee of 50,000 and copies of 8,000. */
  paid(over?: Parameters<typeof seedInvoice>[2]): Promise<Paid>
  /** Asked for by officer `an`. */
  ask(settlementId: string, over?: Partial<RefundProposal>): Promise<string>
  /** By officer `binh`. */
  approve(id: string, by?: string): Promise<void>
  /** Asked for and approved. */
  approved(settlementId: string, over?: Partial<RefundProposal>): Promise<string>
  /** Reported by `an`, confirmed by `binh`. */
  end(id: string, result: 'DONE' | 'FAILED'): Promise<void>
  read(id: string): Promise<RefundView>
}

export async function refundFixture(
  t: Test,
  over: { rail?: Parameters<typeof refundRail>[1]; maxConnections?: number } = {},
): Promise<RefundFixture> {
  const { database } = await testDatabase(t, { maxConnections: over.maxConnections ?? 5 })
  const seeded = await seedTenant(database)
  const environment = testEnvironment()
  const vault = testVault()
  const settler = createSettler({ database, environment })
  t.teardown(() => settler.close())
  const rail = refundRail(seeded, over.rail)
  const { tenantId } = seeded
  const fixture: RefundFixture = {
    database,
    seeded,
    environment,
    vault,
    rail,
    options: {
      database,
      environment,
      railAccounts: rail.railAccounts,
      call: rail.call,
      breaker: createCircuitBreaker({ now: environment.now }),
      serverIp: '127.0.0.1',
      metrics: createMetrics(),
      log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    },
    async settle(outcome, transferRail = false) {
      const { settlementId } = await settler.settle({ outcome, transferRail })
      if (settlementId === null) throw new Error('nothing went on record')
      return settlementId
    },
    async paid(invoiceOver = {}) {
      const invoice = await seedInvoice(database, seeded, {
        refundRules: ['IF_NOT_GRANTED', 'IF_NOT_GRANTED'],
        ...invoiceOver,
      })
      return { invoice, settlementId: await fixture.settle(aSuccess(seeded, invoice)) }
    },
    ask: (settlementId, proposal = {}) =>
      database.transaction((tx) =>
        requestRefund(
          tx,
          environment,
          { tenantId, actor: 'an', as: 'officer' },
          settlementId,
          {
            reason: 'NOT_GRANTED',
            legalBasis: 'Thông báo 12/TB-STP',
            channel: 'RAIL_REVERSAL',
            ...proposal,
          },
          vault,
        ),
      ),
    async approve(id, by = 'binh') {
      const { steps } = await fixture.read(id)
      await database.transaction((tx) => approveRefund(tx, environment, { tenantId, subject: by }, id, steps))
    },
    async approved(settlementId, proposal) {
      const id = await fixture.ask(settlementId, proposal)
      await fixture.approve(id)
      return id
    },
    async end(id, result) {
      await database.transaction((tx) =>
        reportRefund(tx, environment, { tenantId, subject: 'an' }, id, { result, reference: 'FT1' }),
      )
      const { steps } = await fixture.read(id)
      await database.transaction((tx) => confirmReport(tx, environment, { tenantId, subject: 'binh' }, id, steps))
    },
    async read(id) {
      const [refund] = await readRefunds(database, tenantId, { ids: [id], limit: 1 })
      if (refund === undefined) throw new Error(`no refund ${id}`)
      return refund
    },
  }
  return fixture
}

export async function ledgerSum(database: Database): Promise<bigint> {
  const [row] = await database.query<{ sum: bigint }>(
    'SELECT coalesce(sum(amount), 0)::bigint AS sum FROM ledger_postings',
    [],
  )
  return row?.sum ?? -1n
}

export async function balances(database: Database): Promise<Record<string, bigint>> {
  const rows = await database.query<{ account: string; balance: bigint }>(
    'SELECT account, balance FROM ledger_balances ORDER BY account',
    [],
  )
  return Object.fromEntries(rows.map(({ account, balance }) => [account, balance]))
}
