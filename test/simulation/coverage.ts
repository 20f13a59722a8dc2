/** What the seeds together reached: rows of the decision table, ways of the lifecycles, faults at operations. */
import { decisionTable } from '../../src/domain/decision.ts'
import { breakClasses } from '../../src/domain/reconciliation/breaks.ts'
import { reversalTable } from '../../src/domain/reversal.ts'
import { actionKinds } from './actions.ts'
import { lifecycles, notDemanded } from './lifecycles.ts'
import { faultShares, type Reached } from './run.ts'

export type Coverage = {
  readonly name: string
  readonly wanted: readonly string[]
  readonly reached: ReadonlySet<string>
}

export function coverageOf(all: readonly Reached[]): Coverage[] {
  const union = (of: (reached: Reached) => ReadonlySet<string>): Set<string> =>
    new Set(all.flatMap((one) => [...of(one)]))
  return [
    {
      name: 'rows of the decision table',
      wanted: decisionTable.map(({ rule }) => rule),
      reached: union(({ rules }) => rules),
    },
    {
      name: 'rows of the reversal table',
      wanted: reversalTable.map(({ rule }) => rule),
      reached: union(({ reversals }) => reversals),
    },
    {
      name: 'classes of breaks',
      wanted: breakClasses.map(({ code }) => code),
      reached: union(({ breaks }) => breaks),
    },
    {
      name: 'kinds of actions',
      wanted: actionKinds,
      reached: union(({ actions }) => actions),
    },
    {
      name: 'ways of the lifecycles',
      wanted: Object.entries(lifecycles).flatMap(([kind, ways]) =>
        ways.map(([was, became]) => `${kind} ${was} → ${became}`),
      ),
      reached: union(({ transitions }) => transitions),
    },
    {
      name: 'faults at operations',
      wanted: Object.entries(faultShares).flatMap(([operation, shares]) =>
        shares.map(([fault]) => `${fault} × ${operation}`),
      ),
      reached: union(({ faults }) => faults),
    },
  ]
}

export function missed({ wanted, reached }: Coverage): string[] {
  return wanted.filter((name) => !reached.has(name) && notDemanded[name] === undefined)
}
