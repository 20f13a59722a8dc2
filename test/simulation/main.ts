/** `npm run simulate -- --seed N --steps M`, or `--seeds N [--from N]` for many. */
import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import { coverageOf, missed } from './coverage.ts'
import { openServers } from './machine.ts'
import { runMany } from './many.ts'
import { mapReached } from './run.ts'
import type { Report } from './worker.ts'

type Options = {
  seed?: string
  seeds?: string
  from: string
  steps: string
  workers: string
  timeline?: boolean
  allReached?: boolean
}

const options = new Command('simulate')
  .description('the whole gateway under chance, faults and bad partners; the same seed gives the same history')
  .option('--seed <n>', 'one seed, with its timeline')
  .option('--seeds <n>', 'this many seeds')
  .option('--from <n>', 'the first of many seeds', '0')
  .option('--steps <n>', 'actions in a run', '80')
  .option(
    '--all-reached',
    'fail as well when a row, a way, a class, an action or a fault at an operation was not reached',
  )
  .option('--workers <n>', 'processes', String(Math.max(1, availableParallelism())))
  .parse()
  .opts<Options>()

const started = performance.now()
const out = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const first = Number(options.from)
const seeds =
  options.seed === undefined
    ? Array.from({ length: Number(options.seeds ?? '300') }, (_, index) => String(first + index))
    : [options.seed]

const { servers, close } = await openServers()
const reports = await runMany({
  servers,
  runs: seeds.map((seed) => ({ seed, steps: Number(options.steps) })),
  workers: Number(options.workers),
  shrink: true,
  onReport(report, done) {
    if (report.broken.length > 0) tell(report)
    else if (process.stderr.isTTY || done % 50 === 0) process.stderr.write(`${done} of ${seeds.length} seeds held\n`)
  },
})
const failed = reports.filter(({ broken }) => broken.length > 0)
const seconds = Math.round((performance.now() - started) / 1000)
out(`${reports.length} seeds of ${options.steps} actions, ${failed.length} failed, ${seconds} s`)
const coverage = coverageOf(reports.map(({ reached }) => mapReached((part) => new Set(reached[part]))))
for (const part of coverage) {
  const lacking = missed(part)
  out(`${part.name}: ${part.wanted.length - lacking.length} of ${part.wanted.length} reached`)
  for (const name of lacking) out(`  not reached: ${name}`)
}
await close()
const isAllReached = coverage.every((part) => missed(part).length === 0)
process.exitCode = failed.length === 0 && (isAllReached || options.allReached !== true) ? 0 : 1

function tell({ seed, broken, history, plan }: Report): void {
  out(
    `\nseed ${seed} fails with ${plan.length} actions; again with: npm run simulate -- --seed ${seed} --steps ${options.steps}`,
  )
  for (const line of history) out(`  ${line}`)
  for (const what of broken) out(`  ✗ ${what}`)
}
