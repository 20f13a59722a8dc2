/** Sending a refund to its rail, killed at every point: the money moves once, whatever the gateway still knows of it. */
import { pino } from 'pino'
import t from 'tap'
import { createMetrics } from '../../src/metrics.ts'
import { createCircuitBreaker } from '../../src/network/circuit-breaker.ts'
import { createRailAccounts } from '../../src/rails/accounts.ts'
import { sendDueRefunds } from '../../src/watch/refunds.ts'
import { calmWhile } from '../simulation/run.ts'
import type { Stage } from '../simulation/stage/stage.ts'
import { expectCounts, killAll, killEverywhere, paidAtVnpay } from './kill-points.ts'

// Each point of the operation is a run of its own.
t.setTimeout(600_000)

t.test('a refund moves money once, wherever the process dies', async (t) => {
  await killEverywhere(t, {
    name: 'refund',
    // A rail that says nothing of it is asked for three days.
    daysMore: [1, 1, 1, 1],
    async prepare(stage) {
      await paidAtVnpay(stage)
      await calmWhile(stage, approvedRefund(stage))
      await killAll(stage)
    },
    begin({ replicas }) {
      const { host, database, environment, vault, call } = replicas.process()
      const options = {
        database,
        environment,
        call,
        railAccounts: createRailAccounts(database, environment, vault, () => {}),
        breaker: createCircuitBreaker({ now: environment.now }),
        serverIp: '127.0.0.1',
        metrics: createMetrics(),
        log: pino({ level: 'silent' }),
      }
      return { host, done: sendDueRefunds(options) }
    },
    async broken(stage) {
      const moved = [...stage.banks.sandbox.vnpay.transactions.values()].flatMap(({ refunds }) =>
        refunds.filter(({ status }) => status === '00'),
      )
      const [refund] = await stage.server.query<{ status: string; needs_human: boolean }>(
        'SELECT status, needs_human FROM refunds',
      )
      // Sent, and no answer ever came: then a person is told, and it is not sent again.
      const isLost = refund?.status === 'UNKNOWN' && refund.needs_human
      return [
        ...(moved.length === 1 || (isLost && moved.length === 0) ? [] : [`the rail moved it ${moved.length} times`]),
        ...(refund?.status === 'DONE' || isLost ? [] : [`the refund is ${refund?.status ?? 'gone'}`]),
        ...(await expectCounts(stage, {
          'times booked': ['FROM ledger_transactions WHERE refund_id IS NOT NULL', refund?.status === 'DONE' ? 1 : 0],
        })),
      ]
    },
    must: [/^db.commit/, /POST partner/, /UPDATE refunds/],
  })
})

async function approvedRefund({ portal }: Stage): Promise<void> {
  const [invoice] = portal.invoices
  const asked = await portal.call({
    method: 'POST',
    path: '/v1/finance/refunds',
    key: 'ask-once',
    officer: 'officer1',
    body: {
      invoiceId: invoice?.id,
      reason: 'NOT_GRANTED',
      legalBasis: 'Thông báo 12/TB',
      channel: 'RAIL_REVERSAL',
    },
  })
  const id = String(asked?.json.id)
  const approved = await portal.call({
    method: 'POST',
    path: `/v1/finance/refunds/${id}/approve`,
    key: 'approve-once',
    officer: 'officer2',
    body: { version: asked?.json.version },
  })
  if (approved?.status !== 200) throw new Error(`the refund was not approved: ${JSON.stringify([asked, approved])}`)
}
