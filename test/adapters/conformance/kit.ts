/**
 * The conformance suite: a table of checks that every adapter must pass under every way of holding an account. An adapter joins
 * by standing in a registry; what the suite needs of its rail it loads from `conformance.ts` in the adapter's folder.
 */
import type { Test } from 'tap'
import { z } from 'zod'
import type { Conformance } from '../../../adapters/conformance.ts'
import type { Adapter } from '../../../adapters/contract.ts'
import { allAdapters } from '../../../adapters/registry.ts'
import { answerChecks } from './answer-checks.ts'
import { callbackChecks } from './callback-checks.ts'
import { forgeryChecks } from './forgery-checks.ts'
import { formChecks } from './form-checks.ts'
import { houseChecks } from './house-checks.ts'
import { startChecks } from './start-checks.ts'
import { type Check, type Subject, subjectsOf } from './subject.ts'

/** Checks of single cases. */
export const caseChecks: readonly Check[] = [
  ...houseChecks,
  ...startChecks,
  ...callbackChecks,
  ...formChecks,
  ...answerChecks,
]

/** Beside them the ones that try thousands of changes, and take as long as all others together. */
export const checks: readonly Check[] = [...caseChecks, ...forgeryChecks]

const moduleSchema = z.object({ conformance: z.custom<Conformance>((value) => typeof value === 'function') })

const ourFolders = new URL('../../../adapters/', import.meta.url)

/** The subjects of an adapter whose folder stands in `folders`. */
export async function load(adapter: Adapter, folders: URL = ourFolders): Promise<Subject[]> {
  const module: unknown = await import(new URL(`${adapter.name}/conformance.ts`, folders).href)
  return subjectsOf(adapter, moduleSchema.parse(module).conformance)
}

/** One test for each subject. */
export function judge(t: Test, subjects: readonly Subject[], table: readonly Check[]): void {
  for (const subject of subjects) {
    t.test(subject.name, async (t) => {
      for (const check of table) t.same(check.find(subject), [], check.name)
    })
  }
}

/** Every `of`-th subject of the registry from the `first` on tried by force: test files run beside each other. */
export async function judgeByForce(t: Test, first: number, of: number): Promise<void> {
  const subjects = (await Promise.all(allAdapters().map((adapter) => load(adapter)))).flat()
  const mine = subjects.filter((_, index) => index % of === first)
  judge(t, mine, forgeryChecks)
}
