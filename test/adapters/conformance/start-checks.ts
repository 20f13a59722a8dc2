/** What leaves us when a payment begins: amounts, references and descriptions within the rail's limits, read back as the rail reads them. */
import type { Told } from '../../../adapters/conformance.ts'
import type { HttpAnswer, Order, StartResult } from '../../../adapters/contract.ts'
import { walk } from './exchange.ts'
import {
  anOrder,
  aTelling,
  type Check,
  contextAt,
  lineOf,
  now,
  otherPayCode,
  payCode,
  type Subject,
} from './subject.ts'

type Started = { readonly result: StartResult; readonly told: Told | null; readonly calls: number }

/** Starts a payment at the rail's side of the sample. `told` is null when nothing reached it. */
export function startOf(subject: Subject, over: Partial<Order> = {}): Started | null {
  const { adapter, mode, account, written } = subject
  const { start } = mode
  if (start === undefined || adapter.start === undefined) return null
  const order = anOrder(subject, over)
  const telling = aTelling(subject, { merchantRef: order.merchantRef, amount: order.amount })
  const { calls, result } = walk(
    adapter.start(order, account, contextAt()),
    (answer: HttpAnswer, state) => adapter.readStart?.(answer, state, order, account, contextAt()),
    (call) => {
      const answer = start.exchange?.answer(call, 'opened', { telling }, { account: written, keysOf: written })
      if (answer === undefined) throw new Error('calls on start, but its sample has no answer')
      return answer
    },
  )
  const shown = shownIn(result as StartResult)
  const sent = [...calls.map(({ url, body = '' }) => ({ url, body })), ...(shown === null ? [] : [shown])]
  return {
    result: result as StartResult,
    told: sent.length === 0 ? null : start.told(sent, written),
    calls: calls.length,
  }
}

function shownIn(result: StartResult): { url: string; body: string } | null {
  switch (result.kind) {
    case 'redirect':
      return { url: result.url, body: '' }
    case 'form':
      return { url: result.action, body: JSON.stringify(result.fields) }
    case 'qr':
      return { url: '', body: result.payload }
    default:
      return null
  }
}

const order: Check = {
  name: 'the rail reads our order as we mean it, and our signature holds',
  find(subject) {
    const cases: Partial<Order>[] = [
      {},
      { locale: 'en' },
      { payerIp: '2001:db8::1' },
      { payerIp: '::1' },
      { payerIp: '::ffff:203.0.113.10' },
      { returnUrl: 'https://gateway.example/pay/a-b_c~d/return?x=1&y=2#z' },
    ]
    return cases.flatMap((over) => {
      const started = startOf(subject, over)
      if (started === null) return []
      const { result, told } = started
      const expected = anOrder(subject, over)
      const right = { merchantRef: expected.merchantRef, amount: expected.amount, signed: true }
      const read = { merchantRef: told?.merchantRef, amount: told?.amount, signed: told?.signed }
      return [
        ...(result.kind === subject.mode.start?.leadsTo ? [] : [`${lineOf(over)} leads to ${lineOf(result)}`]),
        ...(lineOf(read) === lineOf(right) ? [] : [`${lineOf(over)}: ${lineOf(read)} is not ${lineOf(right)}`]),
        ...('sent' in result && Object.values(result.sent).every((value) => typeof value === 'string')
          ? []
          : ['what is kept is no flat text']),
      ]
    })
  },
}

const amounts: Check = {
  name: 'amounts are carried from the smallest to the largest, and beyond them nothing leaves',
  find(subject) {
    const { minAmount, maxAmount } = subject.adapter.capabilities
    const within = [minAmount, minAmount + 1n, maxAmount - 1n, maxAmount].flatMap((amount) => {
      const started = startOf(subject, { amount })
      if (started === null) return []
      return started.result.kind === subject.mode.start?.leadsTo && started.told?.amount === amount
        ? []
        : [`${amount} leads to ${lineOf(started.result)}, read as ${started.told?.amount}`]
    })
    const outside = [minAmount - 1n, maxAmount + 1n, 0n, -1n, maxAmount * 1000n].flatMap((amount) => {
      try {
        const started = startOf(subject, { amount })
        return started === null || (started.result.kind === 'refused' && started.calls === 0)
          ? []
          : [`${amount} leads to ${lineOf(started.result)}`]
      } catch (error) {
        return error instanceof RangeError ? [] : [`${amount} throws ${String(error)}`]
      }
    })
    return [...(minAmount >= 1n && minAmount < maxAmount ? [] : ['limits cross']), ...within, ...outside]
  },
}

const hostileTexts = [
  'Lệ phí cấp Giấy phép: hồ sơ số 12/2026 – Đắk Lắk',
  'a|b|c&amount=1&x=y=z',
  '* ~ ! \' ( ) % + # " < > \\ / ; , @ $ ^ ` { } [ ]',
  'dòng một\r\ndòng hai\u0000\u2028\u202e',
  '\ud83d\ude00\ud83c\uddfb\ud83c\uddf3 \u00a0\u3000',
  'x'.repeat(2_000),
  `${payCode} ${'ho so '.repeat(200)}`,
  '',
  '   ',
]

const descriptions: Check = {
  name: 'a description of any text is folded to what the rail carries, and cut to its length',
  find(subject) {
    const { descriptionMaxLength } = subject.adapter.capabilities
    return hostileTexts.flatMap((description) => {
      const started = startOf(subject, { description })
      if (started === null || started.result.kind === 'refused') return []
      const told = started.told?.description ?? ''
      return [
        ...(started.told?.signed === true ? [] : [`${lineOf(description)}: our signature does not hold`]),
        ...(/^[0-9A-Za-z .,:_-]+$/.test(told) && told === told.trim()
          ? []
          : [`${lineOf(description)} is sent as ${lineOf(told)}`]),
        ...(told.length <= descriptionMaxLength
          ? []
          : [`${told.length} characters are sent of at most ${descriptionMaxLength}`]),
      ]
    })
  },
}

/** Beyond this the smallest space of references (ten digits) ends. */
const lastSequence = 9_999_999_999n

const references: Check = {
  name: 'references fit the rail, stand alone as a word, and are never given twice',
  find({ adapter, mode, account }) {
    const refOf = (sequence: bigint, at = now, code = payCode) =>
      adapter.merchantRef({ sequence, payCode: code, now: at }, account)
    const sequences = [0n, 1n, 2n, 35n, 36n, 4_217n, 2n ** 31n, 2n ** 32n, lastSequence - 1n, lastSequence]
    const misfits = sequences.flatMap((sequence) =>
      mode.reference.test(refOf(sequence)) ? [] : [`${sequence} becomes ${refOf(sequence)}`],
    )
    const many = Array.from({ length: 3_000 }, (_, index) => BigInt(index) * 104_729n + 17n)
    const made = new Set(many.map((sequence) => refOf(sequence)))
    const isPayCode = refOf(1n) === payCode && refOf(2n, now, otherPayCode) === otherPayCode
    const twice =
      made.size === many.length || isPayCode
        ? []
        : [`${many.length - made.size} of ${many.length} references are given twice`]
    const acrossDays =
      isPayCode || refOf(7n, new Date('2026-11-21T00:00:00Z')) !== refOf(8n, now)
        ? []
        : ['two attempts share a reference on two days']
    let beyond: string[] = []
    try {
      const last = refOf(2n ** 63n - 1n)
      if (!mode.reference.test(last)) beyond = [`the last sequence becomes ${last}`]
    } catch (error) {
      if (!(error instanceof RangeError)) beyond = [`the last sequence throws ${String(error)}`]
    }
    return [...misfits, ...twice, ...acrossDays, ...beyond]
  },
}

const payerInput: Check = {
  name: 'what the payer must type is checked before anything leaves',
  find(subject) {
    const { adapter, mode } = subject
    const typed = mode.start?.payerInput
    if (typed === undefined) return (adapter.payerFields ?? []).length === 0 ? [] : ['the sample types nothing']
    const inputs: Record<string, string>[] = [
      {},
      ...Object.keys(typed).flatMap((name) =>
        ['', 'x'.repeat(500), '<script>', '1|2'].map((value) => ({ ...typed, [name]: value })),
      ),
    ]
    return inputs.flatMap((input) => {
      const started = startOf(subject, { payerInput: input })
      return started?.result.kind === 'refused' && started.calls === 0
        ? []
        : [`${lineOf(input)} leads to ${lineOf(started?.result)}`]
    })
  },
}

export const startChecks: readonly Check[] = [order, amounts, descriptions, references, payerInput]
