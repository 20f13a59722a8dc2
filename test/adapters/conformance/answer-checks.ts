/** The rail's answers to our calls: what must be believed, and what must never move money. */
import fc from 'fast-check'
import type { HttpAnswer } from '../../../adapters/contract.ts'
import { type Exchange, exchangesOf, kindOf, type Ran } from './exchange.ts'
import { aTelling, type Check, lineOf, referenceOf, type Subject } from './subject.ts'

function eachExchange(name: string, find: (exchange: Exchange, subject: Subject) => string[]): Check {
  return {
    name,
    find: (subject) =>
      exchangesOf(subject).flatMap((exchange) => find(exchange, subject).map((line) => `${exchange.name}: ${line}`)),
  }
}

/** What a result says about money, without words for people. */
function saidBy({ result }: Ran): string {
  if ('outcome' in result) {
    const { evidence: _evidence, ...outcome } = result.outcome as Record<string, unknown>
    return lineOf({ kind: result.kind, outcome })
  }
  const { message: _message, ...rest } = result as Record<string, unknown>
  return lineOf(rest)
}

const findings = eachExchange('each true answer leads where it should', ({ sample, resultOf, run }, subject) => {
  const telling = aTelling(subject)
  return sample.findings.flatMap((finding) => {
    const { result } = run(finding)
    const wrong = resultOf(finding).includes(kindOf(result)) ? [] : [`${finding} leads to ${lineOf(result)}`]
    if (!('outcome' in result)) return wrong
    const outcome = result.outcome as Record<string, unknown>
    const expected = {
      rail: subject.adapter.name,
      accountId: subject.account.id,
      merchantRef: telling.merchantRef,
      amount: telling.amount,
      currency: 'VND',
    }
    const told = Object.fromEntries(Object.keys(expected).map((name) => [name, outcome[name]]))
    return lineOf(told) === lineOf(expected)
      ? wrong
      : [...wrong, `${finding}: ${lineOf(told)} is not ${lineOf(expected)}`]
  })
})

const sameKey: Check = {
  name: 'the callback, the answer to an inquiry and the confirmation of one payment have one key',
  find(subject) {
    const { mode, adapter } = subject
    const paid = mode.callbacks.find(({ reads, names }) => reads === 'succeeded' && names !== 'payCode')
    if (paid === undefined) return []
    const key = paid.key?.(aTelling(subject), subject.written)
    return exchangesOf(subject)
      .filter(({ name }) => name === 'confirm' || name === 'inquiry')
      .flatMap(({ name, run }) => {
        const { result } = run('succeeded')
        const told =
          'outcome' in result ? (result.outcome as { railTransactionId: string }).railTransactionId : undefined
        return told === key ? [] : [`${adapter.name} ${name}: ${String(told)} is not ${String(key)}`]
      })
  },
}

/** The finding that would do most harm if it were believed wrongly. */
function harmfulFinding({ name, sample }: Exchange): string {
  const wanted = { start: 'opened', confirm: 'succeeded', inquiry: 'succeeded', refund: 'done', refundInquiry: 'done' }[
    name
  ]
  return sample.findings.includes(wanted) ? wanted : (sample.findings[0] ?? '')
}

function notGood(exchange: Exchange, ran: Ran, what: string): string[] {
  return exchange.good.includes(ran.result.kind) ? [`${what} leads to ${saidBy(ran)}`] : []
}

const broken = eachExchange('server faults, garbage, pieces and floods never succeed', (exchange) => {
  const finding = harmfulFinding(exchange)
  const text = (body: string | Uint8Array, status = 200): HttpAnswer => ({
    status,
    headers: {},
    body: Buffer.from(body),
  })
  const flood = (answer: HttpAnswer): HttpAnswer => {
    const padding = Buffer.alloc(1_100_000, 0x20)
    return { ...answer, body: Buffer.concat([answer.body, padding]) }
  }
  const changes: [string, (answer: HttpAnswer) => HttpAnswer][] = [
    ...[500, 502, 503, 504].map((status): [string, (answer: HttpAnswer) => HttpAnswer] => [
      `HTTP ${status} with the true body`,
      (answer) => ({ ...answer, status }),
    ]),
    ...[301, 302, 304].map((status): [string, (answer: HttpAnswer) => HttpAnswer] => [
      `HTTP ${status}`,
      (answer) => ({ ...answer, status }),
    ]),
    ...['', ' ', '{}', '[]', 'null', '0', '"00"', '<html>502 Bad Gateway</html>', 'OK', '{"a":', '\u0000'].map(
      (body): [string, (answer: HttpAnswer) => HttpAnswer] => [JSON.stringify(body), () => text(body)],
    ),
    ['bytes that are no text', () => text(Uint8Array.from([0xff, 0xfe, 0x00, 0x80]))],
    ['an answer of more than a mebibyte', flood],
    ['a megabyte of brackets', () => text('['.repeat(1_048_577))],
  ]
  const last = exchange.last(finding)
  const pieces = changes.flatMap(([what, change]) => [
    ...notGood(exchange, last.with(change(last.answer)), what),
    ...notGood(exchange, exchange.run(finding, { each: change }), `${what}, at every call`),
  ])
  const whole = last.answer.body.byteLength
  const cuts = Array.from({ length: whole }, (_, length) => length).flatMap((length) =>
    notGood(
      exchange,
      last.with({ ...last.answer, body: last.answer.body.slice(0, length) }),
      `${length} of ${whole} bytes`,
    ),
  )
  return [...pieces, ...cuts]
})

const unproven = eachExchange(
  'unsigned, wrongly signed and other accounts’ answers never succeed',
  (exchange, subject) => {
    const { sample } = exchange
    if (sample.answers !== 'signed') return []
    const { written, otherWritten } = subject
    const finding = harmfulFinding(exchange)
    const last = exchange.last(finding)
    const unsigned = sample.unsigned?.(last.answer)
    return [
      ...(unsigned === undefined
        ? ['the sample cannot take its proof off']
        : notGood(exchange, last.with(unsigned), 'unsigned')),
      ...notGood(
        exchange,
        exchange.run(finding, { sender: { account: written, keysOf: otherWritten } }),
        'signed by a stranger',
      ),
      ...notGood(
        exchange,
        exchange.run(finding, { sender: { account: otherWritten, keysOf: otherWritten } }),
        'the answer to another account of ours',
      ),
      ...notGood(
        exchange,
        exchange.run(finding, { sender: { account: otherWritten, keysOf: written } }),
        'about another account',
      ),
    ]
  },
)

const otherOrder = eachExchange('a true answer about another order never succeeds', (exchange, subject) => {
  if (exchange.sample.nameless === true) return []
  const finding = harmfulFinding(exchange)
  const other = exchange.run(finding, { ofOther: true, requestId: 'conformance00000002' })
  const stolen = other.answers.at(-1)
  if (stolen === undefined) return ['nothing is called']
  const ran = exchange.last(finding).with(stolen)
  return [
    ...(notGood(exchange, other, 'the other order’s own answer').length === 0
      ? ['the other order’s own answer says nothing']
      : []),
    ...notGood(exchange, ran, `the answer about ${referenceOf(subject, 9_311n)}`),
  ]
})

/** Changes of bytes tried on each signed answer. */
const changesPerAnswer = 2_000

const tampered = eachExchange(`of ${changesPerAnswer} changed answers none says something else`, (exchange) => {
  if (exchange.sample.answers !== 'signed') return []
  const finding = harmfulFinding(exchange)
  const last = exchange.last(finding)
  const meant = saidBy(last.with(last.answer))
  const edit = fc.tuple(fc.nat(0xffff), fc.nat(12), fc.string({ unit: 'binary-ascii', maxLength: 6 }))
  const result = fc.check(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
      const body = edits.reduce((text, [at, drop, insert]) => {
        const from = at % (text.length + 1)
        return text.slice(0, from) + insert + text.slice(from + drop)
      }, Buffer.from(last.answer.body).toString('utf8'))
      const ran = last.with({ ...last.answer, body: Buffer.from(body, 'utf8') })
      if (exchange.good.includes(ran.result.kind) && saidBy(ran) !== meant) throw new Error(saidBy(ran))
    }),
    { numRuns: changesPerAnswer, seed: 19 },
  )
  return result.failed ? [`${String(result.errorInstance)} after ${JSON.stringify(result.counterexample)}`] : []
})

const otherAmount = eachExchange('the amount of an answer is told as it is, or not at all', (exchange) => {
  if (exchange.name !== 'inquiry') return []
  return [149_999n, 150_001n].flatMap((amount) => {
    const { result } = exchange.run('succeeded', { about: { amount } })
    if (!('outcome' in result)) return []
    const told = (result.outcome as { amount: bigint }).amount
    // An answer that carries no amount is about the whole order.
    return told === amount || !carriesAmount(exchange) ? [] : [`${amount} is told as ${told}`]
  })
})

function carriesAmount(exchange: Exchange): boolean {
  const bodies = [149_999n, 150_001n].map((amount) =>
    Buffer.from(exchange.run('succeeded', { about: { amount } }).answers.at(-1)?.body ?? []).toString('utf8'),
  )
  return bodies[0] !== bodies[1]
}

const calls = eachExchange('calls are plain and bounded, and what moves money is not sent twice', (exchange) => {
  const { calls } = exchange.run(harmfulFinding(exchange))
  return calls.flatMap((call, index) => {
    const isLast = index === calls.length - 1
    const moves = isLast && ['confirm', 'refund'].includes(exchange.name)
    return [
      ...(URL.canParse(call.url) ? [] : [`${call.url} is no address`]),
      ...(call.timeoutMs >= 1_000 && call.timeoutMs <= 120_000 ? [] : [`waits ${call.timeoutMs} ms`]),
      ...(Object.keys(call.headers).every((name) => name === name.toLowerCase()) ? [] : ['header names in upper case']),
      ...(moves && call.repeatable ? ['may be repeated'] : []),
      ...(call.method === 'GET' && call.body !== undefined ? ['a GET with a body'] : []),
    ]
  })
})

export const answerChecks: readonly Check[] = [
  findings,
  sameKey,
  broken,
  unproven,
  otherOrder,
  tampered,
  otherAmount,
  calls,
]
