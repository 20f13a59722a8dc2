/** A bank's notice, killed at every point of settling it: booked once, and never acknowledged without being booked. */
import t from 'tap'
import { calm } from '../simulation/run.ts'
import { expectCounts, killEverywhere, startedAtVnpay } from './kill-points.ts'

// Each point of the operation is a run of its own.
t.setTimeout(600_000)

t.test('a payment is booked once, wherever the process dies', async (t) => {
  let url = ''
  await killEverywhere(t, {
    name: 'callback',
    async prepare(stage) {
      url = await startedAtVnpay(stage)
      await calm(stage)
    },
    begin({ replicas, banks }) {
      const [replica] = replicas.living
      if (replica === undefined) throw new Error('nobody lives')
      return { host: replica.host, done: banks.sandbox.vnpay.pay(url, 'success') }
    },
    // That an acknowledged notice is booked is one of the invariants (I4).
    broken: (stage) =>
      expectCounts(stage, {
        settlements: [`FROM settlements WHERE disposition = 'APPLIED'`, 1],
        'paid invoices': [`FROM invoices WHERE status = 'PAID'`, 1],
        'ledger transactions': ['FROM ledger_transactions', 1],
        'events of paying': [`FROM events WHERE type = 'invoice.paid'`, 1],
        'cases for nothing': ['FROM refunds', 0],
      }),
    must: [/^db.commit/, /INSERT INTO settlements/, /INSERT INTO ledger_postings/, /INSERT INTO events/],
  })
})
