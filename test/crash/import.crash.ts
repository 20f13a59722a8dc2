/** Booking a statement file, killed at every point: all of its lines or none, and all once the same bytes come again. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type Arrival, receiveFile } from '../../src/reconciliation/import/receive.ts'
import { mt940 } from '../reconciliation/stage.ts'
import type { Stage } from '../simulation/stage/stage.ts'
import { expectCounts, killAll, killEverywhere } from './kill-points.ts'

// Each point of the operation is a run of its own.
t.setTimeout(600_000)

const path = join(mkdtempSync(join(tmpdir(), 'feegate-crash-')), 'day.sta')
writeFileSync(
  path,
  mt940(
    [
      { amount: 7_000n, reference: 'A' },
      { amount: 8_000n, text: 'khong ma' },
    ],
    { id: '1/1', day: '2026-11-19', account: '113366668888', currency: 'VND', opening: 0n },
  ),
)
const arrival: Arrival = {
  tenantId: 'ten_thanhhoa',
  path,
  name: 'day.sta',
  origin: 'UPLOAD',
  actor: 'officer1',
  source: { kind: 'STATEMENT', sourceId: null },
}

function load({ replicas }: Stage) {
  const { host, database, environment, vault } = replicas.process()
  return { host, done: receiveFile({ database, environment, vault }, arrival) }
}

t.test('the lines of a file are booked once, wherever the process dies', async (t) => {
  await killEverywhere(t, {
    name: 'import',
    prepare: killAll,
    begin: load,
    // Whoever sent it hears nothing and sends it again.
    afterwards: async (stage) => {
      await load(stage).done
    },
    broken: (stage) =>
      expectCounts(stage, {
        'statement lines': ['FROM statement_lines', 2],
        'files that were booked': [`FROM statement_files WHERE status = 'IMPORTED' AND name = 'day.sta'`, 1],
        'files that seem to be loading': [`FROM statement_files WHERE status = 'LOADING'`, 0],
      }),
    must: [/^db.commit/, /COPY staged_lines/, /INSERT INTO statement_lines/, /UPDATE statement_files/],
  })
})
