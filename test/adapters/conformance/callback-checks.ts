/** Callbacks one by one: what must be believed, and what must not. */
import type { SampleCallback, Telling } from '../../../adapters/conformance.ts'
import type { BillAnswer, CallbackReading, RawRequest } from '../../../adapters/contract.ts'
import { decide, type Facts } from '../../../src/domain/decision.ts'
import { fieldsOf, messageOf, withField, withHeader, withText } from './message.ts'
import { aTelling, type Check, contextAt, lineOf, meaningOf, now, payCode, readAt, type Subject } from './subject.ts'

type Finder = (sample: SampleCallback, request: RawRequest, subject: Subject) => string[]

/** A check of every sample of the mode, each line led by the sample's name. */
export function eachCallback(name: string, find: Finder): Check {
  return {
    name,
    find: (subject) =>
      subject.mode.callbacks.flatMap((sample) =>
        find(sample, sent(subject, sample), subject).map((line) => `${sample.name}: ${line}`),
      ),
  }
}

export function sent(subject: Subject, sample: SampleCallback, over: Partial<Telling> = {}): RawRequest {
  return sample.send(aTelling(subject, over), { account: subject.written, keysOf: subject.written })
}

export function refusedUnless(reading: CallbackReading, what: string): string[] {
  return reading.kind === 'refused' ? [] : [`${what} is taken as ${meaningOf(reading)}`]
}

/** The request without its proof. */
export function unproven(request: RawRequest, { proof: { carrier } }: SampleCallback, value?: string): RawRequest {
  return 'header' in carrier ? withHeader(request, carrier.header, value) : withField(request, carrier.field, value)
}

export function proofOf(request: RawRequest, { proof: { carrier } }: SampleCallback): string {
  if ('header' in carrier) return request.headers[carrier.header] ?? ''
  const value = fieldsOf(messageOf(request)).find(([name]) => name === carrier.field)?.[1]
  return typeof value === 'string' ? value : ''
}

const understood = eachCallback('a true callback is understood, whole', (sample, request, subject) => {
  const telling = aTelling(subject)
  const reading = readAt(subject, request)
  if (reading.kind !== 'outcome') return reading.kind === sample.reads ? [] : [`is taken as ${meaningOf(reading)}`]
  const { evidence: _evidence, source, ...outcome } = reading.outcome
  const expected = {
    rail: subject.adapter.name,
    accountId: subject.account.id,
    merchantRef: telling[sample.names ?? 'merchantRef'],
    railTransactionId: sample.key?.(telling, subject.written),
    kind: sample.reads,
    amount: telling.amount,
    currency: 'VND',
    paidAt: sample.tellsTime === true ? telling.at : null,
  }
  const wrong = lineOf(outcome) === lineOf(expected) ? [] : [`${lineOf(outcome)} is not ${lineOf(expected)}`]
  return source === 'CALLBACK' || source === 'PULL' ? wrong : [...wrong, `comes from ${source}`]
})

const unsigned = eachCallback(
  'without its proof, with an empty one or one of another length it is refused',
  (sample, request, subject) => {
    const proof = proofOf(request, sample)
    const cases: [string, string | undefined][] = [
      ['no proof', undefined],
      ['an empty proof', ''],
      ['a proof of one character', proof.slice(0, 1)],
      ['a proof without its end', proof.slice(0, -1)],
      ['a proof with one more character', `${proof}0`],
      ['a proof twice', proof + proof],
      ['zeros', proof.replace(/[0-9a-zA-Z]/g, '0')],
    ]
    return [
      ...(proof === '' ? ['the sample carries no proof'] : []),
      ...cases.flatMap(([what, value]) => refusedUnless(readAt(subject, unproven(request, sample, value)), what)),
    ]
  },
)

const wrongKeys = eachCallback('signed with the keys of another account it is refused', (sample, _request, subject) => {
  const { written, otherWritten } = subject
  const telling = aTelling(subject)
  return [
    ...refusedUnless(
      readAt(subject, sample.send(telling, { account: written, keysOf: otherWritten })),
      'our ids, other keys',
    ),
    ...refusedUnless(
      readAt(subject, sample.send(telling, { account: otherWritten, keysOf: otherWritten })),
      'the callback of another account of ours',
    ),
  ]
})

const wrongAccount = eachCallback(
  'signed with our keys but about another account it is refused',
  (sample, request, subject) => {
    // A request that names no account (one for a token) has none to be wrong.
    const { written, otherWritten } = subject
    const elsewhere = sample.send(aTelling(subject), { account: otherWritten, keysOf: written })
    if (
      lineOf([elsewhere.query, [...elsewhere.body], elsewhere.headers]) ===
      lineOf([request.query, [...request.body], request.headers])
    )
      return []
    return refusedUnless(readAt(subject, elsewhere), 'another account')
  },
)

const wrongCurrency = eachCallback('in another currency it is refused', (sample, _request, subject) =>
  sample.namesCurrency !== true
    ? []
    : ['USD', 'vnd', 'VN', 'XXX'].flatMap((currency) => {
        const reading = readAt(subject, sent(subject, sample, { currency }))
        // A spelling that the rail's rules do not know may as well be malformed.
        const expected = currency === 'USD' ? ['wrong-currency'] : ['wrong-currency', 'malformed']
        return reading.kind === 'refused' && expected.includes(reading.reason)
          ? []
          : [`${currency} is taken as ${meaningOf(reading)}`]
      }),
)

const truncated = eachCallback('cut short anywhere it is refused', (sample, request, subject) => {
  const { text } = messageOf(request)
  const cuts = Array.from({ length: text.length }, (_, length) => withText(request, text.slice(0, length)))
  const bytes = Array.from({ length: request.body.byteLength }, (_, length) => ({
    ...request,
    body: request.body.slice(0, length),
  }))
  // A token request has no body to cut.
  if (sample.reads === 'handshake') return []
  return [...cuts, ...bytes].flatMap((cut) => {
    const reading = readAt(subject, cut)
    return reading.kind === 'refused'
      ? []
      : [`${messageOf(cut).text.length} characters are taken as ${meaningOf(reading)}`]
  })
})

const realAmount = eachCallback(
  'another amount is told as it is, and the settlement table does not take it for the order',
  (sample, _request, subject) => {
    if (sample.reads !== 'succeeded') return []
    return [149_999n, 150_001n, 300_000n, 1_000n].flatMap((amount) => {
      const reading = readAt(subject, sent(subject, sample, { amount }))
      if (reading.kind !== 'outcome') return [`${amount} is taken as ${meaningOf(reading)}`]
      if (reading.outcome.amount !== amount) return [`${amount} is told as ${reading.outcome.amount}`]
      const { rule } = decide({
        ...openInvoice,
        amount: amount < 150_000n ? 'lower' : 'higher',
        transferRail: subject.adapter.capabilities.transfer,
      })
      return rule === 'first-success' ? [`${amount} pays an order of 150000`] : []
    })
  },
)

const openInvoice: Omit<Facts, 'amount' | 'transferRail'> = {
  kind: 'succeeded',
  invoice: 'PAYING',
  payment: 'REDIRECTED',
  repeated: false,
  sameAsRecorded: true,
  success: null,
  ours: true,
  stillPayable: true,
}

const repeats = eachCallback(
  'the same bytes later, and the same thing sent anew, have the same meaning and key',
  (sample, request, subject) => {
    const first = meaningOf(readAt(subject, request))
    const after = Math.min(sample.window?.after ?? 60, 60)
    const again = meaningOf(readAt(subject, request, new Date(now.getTime() + after * 1000)))
    const anew = sent(subject, sample, {})
    return [
      ...(first === again ? [] : [`${again} instead of ${first}`]),
      ...(meaningOf(readAt(subject, anew)) === first ? [] : ['sent anew it means something else']),
    ]
  },
)

const late = eachCallback(
  'clocks apart: taken up to the edge of the window, refused one second further',
  (sample, request, subject) => {
    const { before = null, after = null } = sample.window ?? {}
    const apart = (seconds: number): CallbackReading =>
      readAt(subject, request, new Date(now.getTime() + seconds * 1000))
    const edges: [string, number, boolean][] = [
      ['our clock before', -(before ?? 3_600), true],
      ['our clock after', after ?? 60 * 86_400, true],
      ...(before === null ? [] : [['too far before', -(before + 1), false] as [string, number, boolean]]),
      ...(after === null ? [] : [['too far after', after + 1, false] as [string, number, boolean]]),
    ]
    return edges.flatMap(([what, seconds, isTaken]) => {
      const reading = apart(seconds)
      return (reading.kind !== 'refused') === isTaken ? [] : [`${what} (${seconds} s): ${meaningOf(reading)}`]
    })
  },
)

const otherReference = eachCallback(
  'a reference nobody knows is told as it stands, or as none',
  (sample, _request, subject) => {
    if (sample.reads !== 'succeeded') return []
    const merchantRef = 'NOBODYKNOWS1'
    const reading = readAt(subject, sent(subject, sample, { merchantRef, payCode: merchantRef }))
    if (reading.kind === 'refused') return []
    if (reading.kind !== 'outcome') return [`is taken as ${meaningOf(reading)}`]
    const told = reading.outcome.merchantRef
    return told === null || told === merchantRef ? [] : [`is told as ${told}`]
  },
)

const otherDoors = eachCallback('by another method or at another path it is refused', (_sample, request, subject) => {
  const doors = [
    ...['PUT', 'DELETE', 'PATCH', 'HEAD', 'get', 'post'].map((method) => ({ ...request, method })),
    ...['/unknown', `${request.path}/x`, '//', '/../', '/callback?x=1'].map((path) => ({ ...request, path })),
  ]
  return doors.flatMap((door) => refusedUnless(readAt(subject, door), `${door.method} ${door.path}`))
})

const noticed = eachCallback(
  'before verification it can be looked at for logs, which get one plain word or nothing',
  (_sample, request, subject) => {
    const { adapter } = subject
    const telling = aTelling(subject)
    const { merchantRef } = adapter.lookup(request)
    // A prefix of the account before the code is the rail's way.
    const isKnown =
      merchantRef === null || [telling.merchantRef, telling.payCode].some((word) => merchantRef.endsWith(word))
    const hostile = ['a\nb', '\u202eevil', 'x'.repeat(500), '<b>', { a: 1 }, ['x'], 5, null]
    const words = fieldsOf(messageOf(request)).flatMap(([name]) =>
      hostile.flatMap((value) => Object.values(adapter.lookup(withField(request, name, value)))),
    )
    const odd = words.filter((word) => word !== null && !/^[0-9A-Za-z._-]{1,120}$/.test(word))
    return [
      ...(isKnown ? [] : [`is looked up as ${merchantRef}`]),
      ...odd.map((word) => `a field is looked up as ${lineOf(word)}`),
    ]
  },
)

const acknowledged: Check = {
  name: 'every verdict has the acknowledgement of the rail, to the byte',
  find(subject) {
    const { adapter, mode, account, written } = subject
    const [first] = mode.callbacks
    if (first === undefined) return []
    const telling = aTelling(subject)
    const request = sent(subject, first)
    const unreadable = { ...request, query: '', body: new Uint8Array(), headers: {} }
    return verdicts.flatMap((verdict) =>
      [
        { request, telling },
        { request: unreadable, telling: null },
      ].flatMap(({ request, telling }) => {
        const given = adapter.acknowledge(verdict, request, account, contextAt())
        const expected = mode.acknowledge(verdict, telling, written, now)
        return lineOf(given) === lineOf(expected)
          ? []
          : [`${lineOf(verdict)}: ${lineOf(given)} is not ${lineOf(expected)}`]
      }),
    )
  },
}

const billsAnswered = eachCallback(
  'every finding about a bill has the answer of the rail, to the byte',
  (sample, request, subject) => {
    if (sample.reads !== 'bill') return []
    const { adapter, account, written } = subject
    const telling = aTelling(subject)
    return billAnswers.flatMap((answer) => {
      const given = adapter.answerBill?.(answer, request, account, contextAt())
      const expected = sample.answered?.(answer, telling, written, now)
      return given !== undefined && lineOf(given) === lineOf(expected)
        ? []
        : [`${lineOf(answer)}: ${lineOf(given)} is not ${lineOf(expected)}`]
    })
  },
)

const settlementId = 'stl_01jnz0000000000000000000ab'
const reasons = [
  'signature',
  'auth',
  'stale',
  'malformed',
  'repeated-field',
  'wrong-account',
  'wrong-currency',
  'unsupported',
] as const
export const verdicts = [
  { kind: 'recorded', settlementId },
  { kind: 'repeated', settlementId },
  { kind: 'alreadyFinal', settlementId },
  { kind: 'amountMismatch', settlementId },
  { kind: 'amountMismatch', settlementId: null },
  { kind: 'unknownReference' },
  { kind: 'ignored' },
  { kind: 'unavailable' },
  ...reasons.map((reason) => ({ kind: 'refused', reason }) as const),
] as const

export const billAnswers: readonly BillAnswer[] = [
  { kind: 'payable', payCode, amount: 150_000n, payerName: 'Nguyễn Văn An', billId: 'inv_01jnz0000000000000000000ab' },
  ...(['unknown', 'paid', 'expired', 'closed'] as const).map((why) => ({ kind: 'notPayable', why }) as const),
  ...(['reversed', 'alreadyReversed', 'originalUnknown', 'tooLate'] as const).map((kind) => ({ kind })),
  ...reasons.map((reason) => ({ kind: 'refused', reason }) as const),
  { kind: 'unavailable' },
]

export const callbackChecks: readonly Check[] = [
  understood,
  unsigned,
  wrongKeys,
  wrongAccount,
  wrongCurrency,
  truncated,
  realAmount,
  repeats,
  late,
  otherReference,
  otherDoors,
  noticed,
  acknowledged,
  billsAnswered,
]
