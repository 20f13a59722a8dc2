/** Numbering a receipt, killed at every point: its number exists exactly when it does, and no number is left out. */
import { pino } from 'pino'
import t from 'tap'
import { createMetrics } from '../../src/metrics.ts'
import { issueDue } from '../../src/receipt/issue.ts'
import type { KeyRing } from '../../src/signing/key-ring.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import { publicUrl } from '../simulation/stage/replicas.ts'
import { expectCounts, killAll, killEverywhere, paidAtVnpay } from './kill-points.ts'

// Each point of the operation is a run of its own.
t.setTimeout(600_000)

t.test('receipts are numbered without a gap, wherever the process dies', async (t) => {
  await killEverywhere(t, {
    name: 'receipt',
    async prepare(stage) {
      await paidAtVnpay(stage)
      await killAll(stage)
      // Should the gateway have been quicker: as if it had not.
      const [early] = await stage.server.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM receipts WHERE status <> 'REQUESTED'`,
      )
      if (early?.n !== 0) throw new Error('the receipt was issued before the process under test began')
    },
    begin({ replicas, keys }) {
      const { host, database, environment } = replicas.process()
      return { host, done: issueDue(optionsOf({ database, environment }, keys)) }
    },
    // Numbers without a gap, each once, are one of the invariants.
    broken: (stage) =>
      expectCounts(stage, {
        'receipts with number 1': [`FROM receipts WHERE number = 1 AND status = 'ISSUED'`, 1],
        receipts: ['FROM receipts', 1],
        series: ['FROM receipt_series WHERE used_number = 1', 1],
        'events of issuing': [`FROM events WHERE type = 'receipt.issued'`, 1],
      }),
    must: [/^db.commit/, /receipt_series/, /UPDATE receipts/],
  })
})

function optionsOf(
  process: Pick<Parameters<typeof issueDue>[0], 'database' | 'environment'>,
  keys: KeyRing,
): Parameters<typeof issueDue>[0] {
  return {
    ...process,
    sign: createTokens(keys).sign,
    publicUrl: () => publicUrl,
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
  }
}
