/** Runs the calls of an adapter against the rail's side of its sample, with or without something in between. */
import type { SampleExchange, Sender, Telling } from '../../../adapters/conformance.ts'
import type {
  AdapterContext,
  HttpAnswer,
  HttpCall,
  RefundOrder,
  Step,
  StoredAttempt,
} from '../../../adapters/contract.ts'
import { anAttempt, anOrder, aRefund, aTelling, contextAt, payCode, referenceOf, type Subject } from './subject.ts'

export type Ran = {
  readonly calls: readonly HttpCall[]
  readonly answers: readonly HttpAnswer[]
  readonly states: readonly unknown[]
  readonly result: { readonly kind: string }
}

/** One exchange of an adapter: how it begins, how it reads, what the rail can find. */
export type Exchange = {
  readonly name: 'start' | 'confirm' | 'inquiry' | 'refund' | 'refundInquiry'
  readonly sample: SampleExchange<unknown, string>
  /** Kinds of result by which money moves or is said to have moved, or the payer is sent on. */
  readonly good: readonly string[]
  /** Kind of result that `finding` must lead to. */
  resultOf(finding: string): readonly string[]
  run(finding: string, change?: Change): Ran
  /** The rail's last answer to a true exchange, and what comes of another one in its place. */
  last(finding: string): { readonly answer: HttpAnswer; with(answer: HttpAnswer): Ran }
}

/** What stands between the rail and us: another sender, other news, or each answer changed. */
export type Change = {
  readonly sender?: Sender<unknown>
  readonly about?: Partial<Telling>
  readonly each?: (answer: HttpAnswer) => HttpAnswer
  /** Ours is another order or attempt: its answers are genuine, for that one. */
  readonly ofOther?: boolean
  readonly requestId?: string
}

const otherSequence = 9_311n

type Given = {
  readonly sent: StoredAttempt
  readonly refund: RefundOrder
  readonly context: AdapterContext
  readonly telling: Telling
}

/** The exchanges for which the mode has a sample. */
export function exchangesOf(subject: Subject): Exchange[] {
  const { adapter, mode, account, written } = subject
  const given = ({ about = {}, ofOther = false, requestId = 'conformance00000001' }: Change): Given => {
    const merchantRef = referenceOf(subject, ofOther ? otherSequence : 4217n, payCode)
    const telling = aTelling(subject, { merchantRef, ...about })
    const started = ofOther ? anOrder(subject, { merchantRef }) : anOrder(subject)
    const sentOnStart = startedBy(subject, started)
    const sent = anAttempt(subject, { merchantRef, sent: sentOnStart })
    const whole = aRefund(subject)
    return {
      sent,
      refund: {
        ...whole,
        refundId: ofOther ? 'ref_01jnz0000000000000000000zz' : whole.refundId,
        attempt: { ...whole.attempt, merchantRef, sent: sentOnStart },
      },
      context: contextAt(undefined, requestId),
      telling,
    }
  }

  const exchange = <Finding extends string>(
    name: Exchange['name'],
    sample: SampleExchange<unknown, Finding> | undefined,
    good: readonly string[],
    results: Readonly<Record<Finding, readonly string[]>>,
    begin: (given: Given) => Step<{ readonly kind: string }> | undefined,
    read: (answer: HttpAnswer, state: unknown, given: Given) => Step<{ readonly kind: string }> | undefined,
  ): Exchange[] =>
    sample === undefined
      ? []
      : [
          {
            name,
            sample: sample as SampleExchange<unknown, string>,
            good,
            resultOf: (finding) => results[finding as Finding],
            run(finding, change = {}) {
              const sender = change.sender ?? { account: written, keysOf: written }
              const at = given(change)
              const about = { telling: at.telling, refund: at.refund }
              return walk(
                begin(at),
                (answer, state) => read(answer, state, at),
                (call) => {
                  const answer = sample.answer(call, finding as Finding, about, sender)
                  return change.each?.(answer) ?? answer
                },
              )
            },
            last(finding) {
              const at = given({})
              const about = { telling: at.telling, refund: at.refund }
              const sender = { account: written, keysOf: written }
              const answerTo = (call: HttpCall): HttpAnswer => sample.answer(call, finding as Finding, about, sender)
              const { answers, states } = walk(begin(at), (answer, state) => read(answer, state, at), answerTo)
              const answer = answers.at(-1)
              if (answer === undefined) throw new Error(`${subject.name}: nothing is called`)
              return {
                answer,
                with: (other) => walk(read(other, states.at(-1), at), (next, state) => read(next, state, at), answerTo),
              }
            },
          },
        ]

  return [
    ...exchange(
      'start',
      mode.start?.exchange,
      ['redirect', 'form', 'qr', 'otpChallenge'],
      { opened: [mode.start?.leadsTo ?? ''], refused: ['refused'] },
      ({ sent, context }) => adapter.start?.(anOrder(subject, { merchantRef: sent.merchantRef }), account, context),
      (answer, state, { sent, context }) =>
        adapter.readStart?.(answer, state, anOrder(subject, { merchantRef: sent.merchantRef }), account, context),
    ),
    ...exchange(
      'confirm',
      mode.confirm,
      ['outcome'],
      { succeeded: ['outcome succeeded'], wrongCode: ['wrongCode'], refused: ['refused'], unknown: ['unknown'] },
      ({ sent, context }) => adapter.confirm?.(sent, '123456', account, context),
      (answer, state, { sent, context }) => adapter.readConfirm?.(answer, state, sent, account, context),
    ),
    ...exchange(
      'inquiry',
      mode.inquiry,
      ['outcome'],
      {
        succeeded: ['outcome succeeded'],
        failed: ['outcome failed'],
        held: ['outcome held'],
        stillPending: ['stillPending'],
        notFound: ['notFound'],
      },
      ({ sent, context }) => adapter.inquire?.(sent, account, context),
      (answer, state, { sent, context }) => adapter.readInquiry?.(answer, state, sent, account, context),
    ),
    ...exchange(
      'refund',
      mode.refund,
      ['done', 'accepted', 'refused'],
      { done: ['done'], accepted: ['accepted'], refused: ['refused'], unknown: ['unknown'] },
      ({ refund, context }) => adapter.refund?.(refund, account, context),
      (answer, state, { refund, context }) => adapter.readRefund?.(answer, state, refund, account, context),
    ),
    ...exchange(
      'refundInquiry',
      mode.refundInquiry,
      ['done', 'accepted', 'refused'],
      { done: ['done'], accepted: ['accepted'], refused: ['refused'], unknown: ['unknown'] },
      ({ refund, context }) => adapter.inquireRefund?.(refund, account, context),
      (answer, state, { refund, context }) => adapter.readRefundInquiry?.(answer, state, refund, account, context),
    ),
  ]
}

/** What a start of this order would have stored for later. */
function startedBy(subject: Subject, order: ReturnType<typeof anOrder>): StoredAttempt['sent'] {
  const { adapter, account, mode, written } = subject
  if (adapter.start === undefined) return {}
  const telling = aTelling(subject, { merchantRef: order.merchantRef })
  const { result } = walk(
    adapter.start(order, account, contextAt()),
    (answer, state) => adapter.readStart?.(answer, state, order, account, contextAt()),
    (call) => {
      const answer = mode.start?.exchange?.answer(call, 'opened', { telling }, { account: written, keysOf: written })
      if (answer === undefined) throw new Error(`${subject.name} calls on start, but its sample has no answer`)
      return answer
    },
  )
  return 'sent' in result ? (result.sent as StoredAttempt['sent']) : {}
}

/** More calls than the gateway makes. */
const maxCalls = 4

export function walk(
  first: Step<{ readonly kind: string }> | undefined,
  read: (answer: HttpAnswer, state: unknown) => Step<{ readonly kind: string }> | undefined,
  answerTo: (call: HttpCall) => HttpAnswer,
): Ran {
  const calls: HttpCall[] = []
  const answers: HttpAnswer[] = []
  const states: unknown[] = []
  let step = first
  while (step?.kind === 'call') {
    if (calls.length === maxCalls) throw new Error(`more than ${maxCalls} calls`)
    const answer = answerTo(step.call)
    calls.push(step.call)
    answers.push(answer)
    states.push(step.state)
    step = read(answer, step.state)
  }
  if (step === undefined) throw new Error('a sample stands for an exchange that the adapter does not have')
  return { calls, answers, states, result: step.result }
}

/** The kind of a result, with the outcome's kind where there is one. */
export function kindOf(result: Ran['result']): string {
  const outcome = 'outcome' in result ? (result.outcome as { kind: string }) : null
  return outcome === null ? result.kind : `${result.kind} ${outcome.kind}`
}
