/** The shortest history that still fails: actions are left out, in halves and then one by one, as long as something stays broken (ddmin). */
import { type RunOptions, type RunResult, runSeed } from './run.ts'
import type { Machine } from './stage/stage.ts'

/** Runs at most this often; what is found by then is short enough to read. */
const mostRuns = 60

export async function shrink(machine: Machine, failed: RunResult, options: RunOptions): Promise<RunResult> {
  let best = failed
  let runs = 0
  const tryOnly = async (numbers: readonly number[]): Promise<boolean> => {
    runs += 1
    const result = await runSeed(machine, { ...options, only: new Set(numbers) })
    if (result.broken.length === 0) return false
    best = result
    return true
  }
  let kept = failed.plan.map(({ number }) => number)
  for (let parts = 2; kept.length > 1 && runs < mostRuns; ) {
    const size = Math.ceil(kept.length / parts)
    let isShorter = false
    for (let start = 0; start < kept.length && runs < mostRuns; start += size) {
      const without = [...kept.slice(0, start), ...kept.slice(start + size)]
      if (without.length === 0 || !(await tryOnly(without))) continue
      kept = without
      isShorter = true
      break
    }
    if (isShorter) parts = Math.max(2, parts - 1)
    else if (size === 1) break
    else parts = Math.min(kept.length, parts * 2)
  }
  return best
}
