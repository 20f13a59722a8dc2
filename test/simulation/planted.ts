/**
 * `npm run simulate:planted [most] [name]`: every bug is switched on in turn; how many seeds it takes until something is seen to be
 * wrong, and the shortest history in which it is, for recorded.json.
 * `npm run simulate:recorded`: each bug is seen in its recorded history, and none is seen there when no bug is switched on.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { Action } from './actions.ts'
import { bugs } from './bugs.ts'
import { openServers, type Servers } from './machine.ts'
import { runMany } from './many.ts'
import type { Mutation } from './mutations.ts'

type Recorded = {
  readonly withinSeeds: number
  readonly seed: string
  readonly actions: readonly (readonly [number, Action['kind']])[]
}

const file = new URL('recorded.json', import.meta.url)
const steps = 80
const workers = Math.max(1, availableParallelism())
const out = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Seeds with one bug switched on, until one fails. */
async function hunt(servers: Servers, { name }: Mutation, most: number): Promise<(Recorded & { seen: string }) | null> {
  const runs = Array.from({ length: most }, (_, index) => ({ seed: String(index), steps }))
  const reports = await runMany({ servers, runs, workers, shrink: true, mostFailures: 1, bug: name })
  const failed = reports.find(({ broken }) => broken.length > 0)
  if (failed === undefined) return null
  return {
    withinSeeds: Number(failed.seed) + 1,
    seed: failed.seed,
    actions: failed.plan.map(({ number, kind }) => [number, kind]),
    seen: failed.broken[0] ?? '',
  }
}

async function searchAnew(servers: Servers, most: number, only: string): Promise<boolean> {
  const recorded: Record<string, Recorded> = JSON.parse(readFileSync(file, 'utf8'))
  let missed = 0
  for (const bug of bugs.filter(({ name }) => name.includes(only))) {
    const found = await hunt(servers, bug, most)
    if (found === null) missed += 1
    out(`${found === null ? '✗' : '✓'} ${bug.name}\n    ${bug.harm}`)
    out(
      found === null
        ? `    not seen in ${most} seeds`
        : `    seen within ${found.withinSeeds} seeds: ${found.seen.slice(0, 160)}`,
    )
    if (found === null) continue
    const { seen: _, ...kept } = found
    recorded[bug.name] = kept
    const known = Object.entries(recorded).filter(([name]) => bugs.some((other) => other.name === name))
    writeFileSync(file, `${JSON.stringify(Object.fromEntries(known.sort()), null, 1)}\n`)
  }
  return missed === 0
}

/** Each recorded bug is seen in its history, and the history holds without it. What is not recorded yet is said, and passed over. */
async function replayRecorded(servers: Servers): Promise<boolean> {
  const recorded: Record<string, Recorded> = JSON.parse(readFileSync(file, 'utf8'))
  const runOf = (name: string) => {
    const entry = recorded[name]
    const plan = entry?.actions.map(([number, kind]) => ({ number, kind })) ?? []
    return { seed: entry?.seed ?? '', steps, plan }
  }
  const known = bugs.filter(({ name }) => recorded[name] !== undefined)
  const waiting = [...known]
  const rows: { name: string; seeds: number | null; isSeen: boolean }[] = []
  const work = async (): Promise<void> => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const { name } = bug
      const [report] = await runMany({ servers, runs: [runOf(name)], workers: 1, shrink: false, bug: name })
      rows.push({ name, seeds: recorded[name]?.withinSeeds ?? null, isSeen: (report?.broken.length ?? 0) > 0 })
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  const control = await runMany({ servers, runs: known.map(({ name }) => runOf(name)), workers, shrink: false })
  const broken = control.filter((report) => report.broken.length > 0)
  out('bug | found within seeds | seen in its recorded history')
  for (const { name } of bugs) {
    const row = rows.find((one) => one.name === name)
    if (row === undefined) out(`${name} | not recorded yet | passed over`)
    else out(`${name} | ${row.seeds ?? 'never'} | ${row.isSeen ? 'yes' : 'NO'}`)
  }
  out(`without a bug ${control.length - broken.length} of ${control.length} of these histories hold`)
  for (const report of broken) out(`  ✗ seed ${report.seed}: ${report.broken[0]}`)
  if (known.length < bugs.length)
    out(`not recorded yet, so not shown here: ${bugs.length - known.length} of ${bugs.length} bugs`)
  return broken.length === 0 && rows.every(({ isSeen }) => isSeen)
}

const { servers, close } = await openServers()
const [most = '100', only = ''] = process.argv.slice(2)
const isWell = most === 'recorded' ? await replayRecorded(servers) : await searchAnew(servers, Number(most), only)
await close()
process.exitCode = isWell ? 0 : 1
