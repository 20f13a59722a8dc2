/** Thousands of changed callbacks, none of which may be believed as something else (docs/decisions/019-conformance.md). */
import fc from 'fast-check'
import type { SampleCallback } from '../../../adapters/conformance.ts'
import type { RawRequest } from '../../../adapters/contract.ts'
import { eachCallback, sent } from './callback-checks.ts'
import { changedNames } from './message.ts'
import { type Edit, edits, mutated } from './mutations.ts'
import { type Check, contextAt, lineOf, meaningOf, otherPayCode, readAt, referenceOf, type Subject } from './subject.ts'

/** Changes tried on each true callback. */
export const mutationsPerCallback = 10_000

/** A callback the rail made, with what is read in it. */
type True = { readonly request: RawRequest; readonly covered: string; readonly meaning: string }

/**
 * Why `changed` is a forgery; null when it is none. It is one when it is believed although what the proof covers is of no true
 * callback, or believed with another meaning than that callback's although nothing differs that the rail leaves open (`loose`,
 * `borderless`, `orphaning` of its sample).
 */
function forgeryOf(
  subject: Subject,
  { proof }: SampleCallback,
  trueOnes: readonly True[],
  changed: RawRequest,
): string | null {
  const reading = readAt(subject, changed)
  if (reading.kind === 'refused') return null
  const meaning = meaningOf(reading)
  const covered = proof.covers(changed)
  const origin = trueOnes.find((one) => one.covered === covered)
  if (origin === undefined) return `believed as ${meaning}, though nobody proved it`
  if (meaning === origin.meaning || proof.loose === 'body') return null
  const names = changedNames(origin.request, changed)
  const open = [proof.loose, ...(proof.borderless ?? []), ...(proof.orphaning ?? [])].flat()
  return open.some((name) => name !== undefined && names.has(name)) ? null : `means ${meaning}`
}

const forgeries = eachCallback(
  `of ${mutationsPerCallback} random changes none is believed as something else`,
  (sample, request, subject) => {
    const otherTelling = {
      merchantRef: referenceOf(subject, 9_311n, otherPayCode),
      payCode: otherPayCode,
      amount: 7_000n,
      transaction: '250310009311',
    }
    const donor = sent(subject, sample, otherTelling)
    const trueOnes = [request, donor].map((one): True => {
      return { request: one, covered: sample.proof.covers(one), meaning: meaningOf(readAt(subject, one)) }
    })
    const result = fc.check(
      fc.property(edits, (made: Edit[]) => {
        const found = forgeryOf(subject, sample, trueOnes, mutated(request, made, donor))
        if (found !== null) throw new Error(found)
      }),
      { numRuns: mutationsPerCallback, seed: seedOf(subject.name + sample.name) },
    )
    if (!result.failed) return []
    const [made = []] = result.counterexample ?? []
    const { method, path, query, headers, body } = mutated(request, made, donor)
    return [
      `${String(result.errorInstance)}: ${method} ${path} ${query} ${lineOf(headers)} ${Buffer.from(body).toString('utf8')}`,
    ]
  },
)

/** Each sample its own changes, the same ones at every run. */
function seedOf(name: string): number {
  return [...name].reduce((seed, letter) => (seed * 31 + letter.charCodeAt(0)) | 0, 7)
}

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 60 }), fc.webQueryParameters(), fc.json())

const randomRequests = (names: readonly string[], paths: readonly string[]): fc.Arbitrary<RawRequest> =>
  fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', ''),
    path: fc.oneof(fc.constantFrom(...paths), fc.webPath()),
    query: fc.oneof(
      anyText,
      fc.dictionary(fc.constantFrom(...names), fc.string()).map((pairs) => String(new URLSearchParams(pairs))),
    ),
    headers: fc.dictionary(fc.constantFrom('authorization', 'content-type', ...names), fc.string({ maxLength: 80 })),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      anyText.map((text) => new Uint8Array(Buffer.from(text, 'utf8'))),
      fc
        .dictionary(fc.constantFrom(...names), fc.jsonValue())
        .map((value) => new Uint8Array(Buffer.from(JSON.stringify(value), 'utf8'))),
    ),
  })

const noise: Check = {
  name: 'random requests are refused, looked at and answered without an exception',
  find(subject) {
    const { adapter, account, mode } = subject
    const samples = mode.callbacks.map((sample) => ({ sample, request: sent(subject, sample) }))
    const names = samples.flatMap(({ sample: { proof }, request }) => [
      ...proof.signed.flatMap((name) => name.split('.')),
      ...Object.keys(request.headers),
      'header' in proof.carrier ? proof.carrier.header : proof.carrier.field,
    ])
    let answered = 0
    const paths = ['', ...samples.map(({ request }) => request.path)]
    const result = fc.check(
      fc.property(randomRequests(['data', 'header', 'amount', ...names], paths), (request) => {
        const reading = adapter.readCallback(request, account, contextAt())
        if (reading.kind !== 'refused') throw new Error(`believed as ${meaningOf(reading)}`)
        adapter.lookup(request)
        // Signing an answer costs more than all the rest: not every time.
        answered += 1
        if (answered % 20 === 0)
          adapter.acknowledge({ kind: 'refused', reason: reading.reason }, request, account, contextAt())
      }),
      { numRuns: 1_000, seed: seedOf(subject.name) },
    )
    return result.failed ? [`${String(result.errorInstance)}: ${JSON.stringify(result.counterexample)}`] : []
  },
}

export const forgeryChecks: readonly Check[] = [forgeries, noise]
