/** `npm run simulate:planted`: every planted bug is switched on in turn; how many seeds it takes until something is seen to be wrong. */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runMany } from './many.ts'
import { type Mutation, mutations } from './mutations.ts'

export type Caught = { readonly mutation: Mutation; readonly seeds: number | null; readonly seen: string }

/** Runs seeds with one bug switched on until one fails. `seeds` is null when none of the first `most` did. */
export async function hunt(mutation: Mutation, most: number, steps = 80): Promise<Caught> {
  const reports = await runMany({
    seeds: Array.from({ length: most }, (_, index) => String(index)),
    steps,
    workers: Math.max(1, availableParallelism()),
    shrink: false,
    mostFailures: 1,
    execArgv: ['--import', fileURLToPath(new URL('mutate.ts', import.meta.url))],
    env: { FEEGATE_MUTATION: mutation.name },
  })
  const failed = reports.find(({ broken }) => broken.length > 0)
  return { mutation, seeds: failed === undefined ? null : reports.length, seen: failed?.broken[0] ?? '' }
}

if (import.meta.main) {
  const most = Number(process.argv[2] ?? '100')
  const only = process.argv[3] ?? ''
  let missed = 0
  for (const mutation of mutations.filter(({ name }) => name.includes(only))) {
    const { seeds, seen } = await hunt(mutation, most)
    if (seeds === null) missed += 1
    const found = seeds === null ? `not seen in ${most} seeds` : `seen within ${seeds} seeds: ${seen.slice(0, 160)}`
    process.stdout.write(`${seeds === null ? '✗' : '✓'} ${mutation.name}\n    ${mutation.harm}\n    ${found}\n`)
  }
  process.exitCode = missed === 0 ? 0 : 1
}
