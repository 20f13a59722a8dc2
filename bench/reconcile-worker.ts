/** The gateway's part of the bench, alone in its process: import a file, reconcile, say how long and how much memory. */
import { pino } from 'pino'
import { receiveFile } from '../src/reconciliation/import/receive.ts'
import { checkReconciled } from '../src/reconciliation/invariant.ts'
import { reconcile } from '../src/reconciliation/run.ts'
import { createSettler } from '../src/settlement/group.ts'
import { openDatabase } from '../src/store/database.ts'
import { testEnvironment } from '../test/harness/environment.ts'
import { testVault } from '../test/harness/vault.ts'

const [url = '', tenantId = '', path = ''] = process.argv.slice(2)
const log = pino({ level: 'silent' })
const environment = testEnvironment(new Date('2026-11-30T02:00:00Z'))
const database = openDatabase({
  url,
  maxConnections: 4,
  log,
  serviceRole: 'feegate_service',
  statementTimeoutMs: 1_800_000,
})
const settler = createSettler({ database, environment })
const seconds = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
  const begin = performance.now()
  const result = await work()
  return [(performance.now() - begin) / 1000, result]
}
const [loadSeconds, loaded] = await seconds(() =>
  receiveFile(
    { database, environment, vault: testVault() },
    {
      tenantId,
      path,
      name: 'bench.sta',
      origin: 'COMMAND',
      actor: 'bench',
      source: { kind: 'STATEMENT', sourceId: null },
    },
  ),
)
if (loaded.status !== 'IMPORTED') throw new Error(`not imported: ${JSON.stringify(loaded)}`)
let last = performance.now()
let step = ''
const onStep = (next: string): void => {
  const now = performance.now()
  if (step !== '') process.stderr.write(`  ${step} ${((now - last) / 1000).toFixed(2)} s\n`)
  step = next
  last = now
}
const [matchSeconds, { figures }] = await seconds(() =>
  reconcile({ database, environment, settler, log, onStep }, tenantId, 'bench'),
)
onStep('')
const peakRssMiB = process.resourceUsage().maxRSS / 1024
const violations = (await checkReconciled(database, tenantId)).length
await database.close()
process.stdout.write(
  JSON.stringify({
    loadSeconds,
    matchSeconds,
    peakRssMiB,
    matched: figures.matched,
    breaks: figures.breaks,
    violations,
  }),
)
