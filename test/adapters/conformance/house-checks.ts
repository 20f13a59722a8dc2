/** Rules of the house for every adapter: complete samples, closed configs, no secret in what it returns, no clock of its own. */
import type { HttpAnswer, RawRequest } from '../../../adapters/contract.ts'
import { billAnswers, sent, verdicts } from './callback-checks.ts'
import { exchangesOf } from './exchange.ts'
import { startOf } from './start-checks.ts'
import { anAttempt, anOrder, aRefund, type Check, contextAt, lineOf, now, type Subject } from './subject.ts'

const complete: Check = {
  name: 'the samples show every capability, and the adapter has every capability it claims',
  find({ adapter, mode, name }) {
    const { capabilities } = adapter
    const reads = mode.callbacks.map((sample) => sample.reads)
    const claims: [string, boolean, boolean][] = [
      ['start', capabilities.start, mode.start !== undefined],
      ['start', capabilities.start, adapter.start !== undefined],
      ['callback', capabilities.callback, reads.includes('succeeded')],
      ['inquiry', capabilities.inquiry, mode.inquiry !== undefined],
      ['inquiry', capabilities.inquiry, adapter.inquire !== undefined && adapter.readInquiry !== undefined],
      ['refund', capabilities.refund !== 'none', mode.refund !== undefined && mode.refundInquiry !== undefined],
      ['refund', capabilities.refund !== 'none', adapter.refund !== undefined && adapter.readRefund !== undefined],
      [
        'statement',
        capabilities.statement === 'api',
        adapter.statement !== undefined && adapter.readStatement !== undefined,
      ],
      ['pull', capabilities.pull, reads.includes('bill')],
      ['pull', capabilities.pull, adapter.answerBill !== undefined],
      ['one-time code', adapter.confirm !== undefined, mode.confirm !== undefined],
    ]
    return [
      ...claims.flatMap(([what, claimed, shown]) =>
        claimed === shown ? [] : [`${name}: ${what} is ${claimed ? 'claimed but not shown' : 'shown but not claimed'}`],
      ),
      ...(/^[a-z][a-z0-9-]*$/.test(adapter.name) ? [] : [`the name ${adapter.name}`]),
      ...(adapter.titleVi !== '' && adapter.titleEn !== '' && adapter.channels.length > 0 && capabilities.source !== ''
        ? []
        : ['titles, channels or source are missing']),
    ]
  },
}

const named: Check = {
  name: 'two accounts are called differently by their rail, and no secret is part of a name',
  find({ adapter, account, other, mode }) {
    const [own, others] = [adapter.receivers(account.config), adapter.receivers(other.config)]
    const secrets = secretsOf(adapter.secretFields, mode.config as Record<string, unknown>)
    return [
      ...own.filter((name) => others.includes(name)).map((name) => `both accounts are ${name}`),
      ...own.filter((name) => secrets.some((secret) => name.includes(secret))).map(() => 'a name tells a secret'),
    ]
  },
}

const closed: Check = {
  name: 'a config with an unknown key, without a key or with a short secret is refused, and the refusal tells no secret',
  find({ adapter, mode }) {
    const config = mode.config as Record<string, unknown>
    const wrong: [string, unknown][] = [
      ['an unknown key', { ...config, unknownKey: 'x' }],
      ['nothing', {}],
      ['no object', 'x'],
      ...adapter.secretFields
        .filter((name) => name in config)
        .map((name): [string, unknown] => [`${name} left out`, { ...config, [name]: undefined }]),
      ...adapter.secretFields
        .filter((name) => name in config)
        .map((name): [string, unknown] => [`${name} as a number`, { ...config, [name]: 5 }]),
    ]
    const optional = new Set(
      adapter.secretFields.filter((name) => adapter.accountSchema.safeParse({ ...config, [name]: undefined }).success),
    )
    const unknownFields = adapter.secretFields.filter((name) => !(name in config) && !optional.has(name))
    return [
      ...unknownFields.map((name) => `the sample has no ${name}`),
      ...wrong.flatMap(([what, value]) => {
        const parsed = adapter.accountSchema.safeParse(value)
        const mayLack = [...optional].some((name) => what === `${name} left out`)
        if (parsed.success) return mayLack ? [] : [`${what} is taken`]
        return secretsOf(adapter.secretFields, config).some((secret) => lineOf(parsed.error.issues).includes(secret))
          ? [`the refusal of ${what} tells a secret`]
          : []
      }),
    ]
  },
}

/** Every secret text of a config: of a PEM a line from its middle, for its ends are alike in all keys. */
export function secretsOf(fields: readonly string[], config: Readonly<Record<string, unknown>>): string[] {
  const texts = (value: unknown): string[] => {
    if (typeof value === 'string') return [value]
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : []
  }
  return (
    fields
      .flatMap((name) => texts(config[name]))
      // Shorter ones are names of sources and modes.
      .filter((text) => text.length >= 16)
      .map((text) => (text.startsWith('-----BEGIN') ? (text.split('\n')[5] ?? text) : text))
  )
}

/** All that the adapter returns or throws in a day's work, calls to the rail apart: those carry secrets to where they belong. */
function returned(subject: Subject): unknown[] {
  const { adapter, account, mode, written, otherWritten } = subject
  const requests: RawRequest[] = mode.callbacks.flatMap((sample) => {
    const request = sent(subject, sample)
    return [
      request,
      { ...request, body: request.body.slice(1) },
      { ...request, query: `${request.query}0` },
      sent(subject, sample, { currency: 'USD' }),
      { ...request, headers: {} },
    ]
  })
  const readings = requests.map((request) => [
    adapter.readCallback(request, account, contextAt()),
    adapter.lookup(request),
  ])
  const replies = requests.flatMap((request) =>
    verdicts.map((verdict) => adapter.acknowledge(verdict, request, account, contextAt())),
  )
  const exchanged = exchangesOf(subject).flatMap(({ sample, run }) => [
    ...sample.findings.map((finding) => run(finding).result),
    ...sample.findings.map((finding) => run(finding, { sender: { account: otherWritten, keysOf: written } }).result),
    ...sample.findings.map(
      (finding) => run(finding, { each: (answer: HttpAnswer) => ({ ...answer, status: 500 }) }).result,
    ),
  ])
  const thrown = [
    () => startOf(subject, { amount: -1n }),
    () => startOf(subject, { returnUrl: '|'.repeat(3_000) }),
  ].map((attempt) => {
    try {
      return attempt()?.result
    } catch (error) {
      return error instanceof Error ? `${error.message} ${error.stack}` : error
    }
  })
  return [readings, replies, exchanged, startOf(subject)?.result, thrown]
}

const discreet: Check = {
  name: 'no secret of the account stands in anything that is returned, shown, kept or thrown',
  find(subject) {
    const secrets = secretsOf(subject.adapter.secretFields, subject.mode.config as Record<string, unknown>)
    if (secrets.length === 0) return subject.adapter.secretFields.length === 0 ? [] : ['the sample has no secret']
    const said = lineOf(returned(subject))
    return secrets.filter((secret) => said.includes(secret)).map((secret) => `${secret.slice(0, 12)}… is told`)
  },
}

/** Freezes a value and all in it. Bytes cannot be frozen: they are compared. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && !(value instanceof Date)) {
    for (const part of Object.values(value)) frozen(part)
    Object.freeze(value)
  }
  return value
}

class ClockUsedError extends Error {}

/** Runs `work` where asking for the time or for chance throws. */
function withoutClock<T>(work: () => T): T {
  const { Date: RealDate } = globalThis
  const { random } = Math
  class NoClock extends RealDate {
    constructor(...given: [] | ConstructorParameters<typeof Date>) {
      if (given.length === 0) throw new ClockUsedError('new Date()')
      super(...(given as ConstructorParameters<typeof Date>))
    }
    static override now(): number {
      throw new ClockUsedError('Date.now()')
    }
  }
  globalThis.Date = NoClock as DateConstructor
  Math.random = () => {
    throw new ClockUsedError('Math.random()')
  }
  try {
    return work()
  } finally {
    globalThis.Date = RealDate
    Math.random = random
  }
}

const pure: Check = {
  name: 'the same input gives the same output, is not changed, and neither clock nor chance is asked',
  find(subject) {
    const { adapter, mode } = subject
    const account = frozen(subject.account)
    const context = frozen(contextAt())
    const order = frozen(anOrder(subject))
    const attempt = frozen(anAttempt(subject))
    const refund = frozen(aRefund(subject))
    const requests = mode.callbacks.map((sample) => frozen(sent(subject, sample)))
    const before = lineOf(requests.map(({ body }) => [...body]))
    const work = (): unknown => [
      adapter.merchantRef(frozen({ sequence: 5n, payCode: order.payCode, now }), account),
      adapter.start?.(order, account, context),
      adapter.confirm?.(attempt, '123456', account, context),
      adapter.inquire?.(attempt, account, context),
      adapter.refund?.(refund, account, context),
      adapter.inquireRefund?.(refund, account, context),
      requests.map((request) => [
        adapter.lookup(request),
        adapter.readCallback(request, account, context),
        verdicts.map((verdict) => adapter.acknowledge(frozen({ ...verdict }), request, account, context)),
        billAnswers.map((answer) => adapter.answerBill?.(frozen({ ...answer }), request, account, context)),
      ]),
    ]
    try {
      const [first, second] = [withoutClock(() => lineOf(work())), withoutClock(() => lineOf(work()))]
      return [
        ...(first === second ? [] : ['twice the same, and two results']),
        ...(before === lineOf(requests.map(({ body }) => [...body])) ? [] : ['the bytes are changed']),
      ]
    } catch (error) {
      return [String(error)]
    }
  },
}

export const houseChecks: readonly Check[] = [complete, named, closed, discreet, pure]
