/** Issuing under an Idempotency-Key, killed at every point: the key names one invoice, and the portal gets its answer by asking again. */
import t from 'tap'
import { expectCounts, issueCall, killEverywhere } from './kill-points.ts'

// Each point of the operation is a run of its own.
t.setTimeout(600_000)

t.test('one invoice for one key, wherever the process dies', async (t) => {
  await killEverywhere(t, {
    name: 'issue',
    prepare: () => Promise.resolve(),
    begin(stage) {
      const [replica] = stage.replicas.living
      if (replica === undefined) throw new Error('nobody lives')
      return { host: replica.host, done: stage.portal.issue(issueCall(stage)) }
    },
    async afterwards({ portal, world }) {
      const [call] = portal.calls
      if (call === undefined) throw new Error('no call was made')
      // Told to come again while the dead process may still be at work.
      for (let tries = 0; tries < 20; tries++) {
        await portal.issue(call)
        if (portal.invoices.length > 0) break
        world.advance(10_000)
      }
      await portal.issue(call)
    },
    async broken(stage) {
      return [
        ...(stage.portal.invoices.length === 1 ? [] : [`the portal knows ${stage.portal.invoices.length} invoices`]),
        ...(await expectCounts(stage, {
          invoices: ['FROM invoices', 1],
          'events of issuing': [`FROM events WHERE type = 'invoice.issued'`, 1],
          'known answers': [`FROM idempotency_keys WHERE key = 'issue-once'`, 1],
        })),
      ]
    },
    must: [/^db.commit/, /INSERT INTO invoices/, /^redis/],
  })
})
