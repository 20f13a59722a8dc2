/** Every adapter of the registry against the suite in test/adapters/conformance, and against one another. */
import t from 'tap'
import { allAdapters } from '../../adapters/registry.ts'
import { sent } from './conformance/callback-checks.ts'
import { caseChecks, judge, load } from './conformance/kit.ts'
import { meaningOf, readAt } from './conformance/subject.ts'

const subjects = (await Promise.all(allAdapters().map((adapter) => load(adapter)))).flat()

judge(t, subjects, caseChecks)

t.test('the true callback of one rail or mode is nothing to the account of another', async (t) => {
  for (const to of subjects) {
    const paths = [...new Set(['', ...to.mode.callbacks.map((sample) => sent(to, sample).path)])]
    const believed = subjects
      .filter(
        (from) => from !== to && !(from.adapter === to.adapter && sharesKeys(from.written.config, to.written.config)),
      )
      .flatMap((from) =>
        from.mode.callbacks.flatMap((sample) => {
          const request = sent(from, sample)
          return [...paths, request.path].flatMap((path) => {
            const reading = readAt(to, { ...request, path })
            return reading.kind === 'refused' ? [] : [`${from.name}, ${sample.name}, at ${path}: ${meaningOf(reading)}`]
          })
        }),
      )
    t.same(believed, [], to.name)
  }
})

/** Modes of one rail that differ in other things than ids and keys share their callbacks. */
function sharesKeys(a: unknown, b: unknown): boolean {
  const keys = (config: unknown): string =>
    JSON.stringify(Object.values(config as object).filter((value) => String(value).length >= 16))
  return keys(a) === keys(b)
}
