/**
 * `npm run chaos -- --minutes N --replicas 1|3 --seed S`: real gateways, stores, banks and dossier systems under steady load, while
 * they are killed, stopped, cut off and replaced. Exit code 1 when a promise did not hold; the logs stay in the folder it names.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureProgram } from '../harness/programs.ts'
import { faults } from './faults.ts'
import { findingsOf, hasHeld, reportOf } from './report.ts'
import { run } from './run.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    replicas: { type: 'string' },
    seed: { type: 'string', default: randomBytes(4).toString('hex') },
    rate: { type: 'string', default: '3' },
  },
})
const minutes = Number(values.minutes)
const perSecond = Number(values.rate)
const replicas = values.replicas === undefined ? [1, 3] : [Number(values.replicas)]
if (!(minutes > 0) || !(perSecond > 0) || !replicas.every((count) => count === 1 || count === 3)) {
  process.stderr.write('chaos [--minutes N] [--replicas 1|3] [--seed S] [--rate payments per second]\n')
  process.exit(2)
}
ensureProgram('redis-server', 'redis-server')

const tell = (line: string): void => void process.stdout.write(`${line}\n`)
const folder = mkdtempSync(join(tmpdir(), 'feegate-chaos-'))
// PostgreSQL runs under an account of its own; what is secret in here is closed by itself.
chmodSync(folder, 0o755)
tell(`seed ${values.seed}, ${minutes} minutes, ${perSecond} payments a second; logs in ${folder}`)

const result = await run({ seed: values.seed, minutes, replicas, perSecond, folder, tell })
const report = reportOf(result, faults)
const findings = findingsOf(result)
const held = hasHeld(result)
writeFileSync(join(folder, 'report.md'), `${report}\n`)
writeFileSync(join(folder, 'findings.txt'), findings.map((line) => `${line}\n`).join(''))
tell(`\n${report}\n`)
for (const line of findings.slice(0, 40)) tell(`✗ ${line}`)
tell(
  `${result.load.records.length} payments, seed ${values.seed}: ${held ? 'everything held' : `NOT everything held; see ${folder}`}`,
)
process.exit(held ? 0 : 1)
