/** Delivery of an event, killed at every point: heard at least once, always under the one id, and done with. */
import { pino } from 'pino'
import t from 'tap'
import { claimDueDeliveries, deliver } from '../../src/delivery/dispatch.ts'
import { createMetrics } from '../../src/metrics.ts'
import { calmWhile } from '../simulation/run.ts'
import { expectCounts, issueCall, killAll, killEverywhere } from './kill-points.ts'

// Each point of the operation is a run of its own.
t.setTimeout(600_000)

t.test('an event is heard under one id, wherever the process dies', async (t) => {
  await killEverywhere(t, {
    name: 'delivery',
    async prepare(stage) {
      stage.dossiers.mode = 'away'
      await calmWhile(stage, stage.portal.issue(issueCall(stage)))
      await killAll(stage)
      stage.dossiers.mode = 'well'
      // The retry is due, and no lease of the dead is left.
      stage.world.advance(10 * 60_000)
    },
    begin({ replicas }) {
      const { host, database, environment, vault, post } = replicas.process()
      const options = {
        database,
        environment,
        vault,
        post,
        sign: () => Promise.resolve('a..c'),
        leaseMs: 15_000,
        metrics: createMetrics(),
        log: pino({ level: 'silent' }),
      }
      const send = async (): Promise<void> => {
        for (const delivery of await claimDueDeliveries(options, 10, [])) await deliver(options, delivery)
      }
      return { host, done: send() }
    },
    broken: async (stage) => [
      ...(stage.dossiers.heard.filter(({ type }) => type === 'invoice.issued').length === 1
        ? []
        : ['it was not heard under one id']),
      ...(await expectCounts(stage, {
        events: [`FROM events WHERE type = 'invoice.issued'`, 1],
        'deliveries not done': [`FROM deliveries WHERE status <> 'DELIVERED'`, 0],
      })),
    ],
    must: [/UPDATE deliveries/, /^webhook/, /WITH done/],
  })
})
