/**
 * Sends a partner's callbacks, keeps every acknowledgement, and calls again as that partner does.
 * Whether an acknowledgement is right is for the rail to say (`judge`); how often to call again stands in its plan.
 */
import type { Behaviour } from './behaviour.ts'
import type { SandboxContext } from './context.ts'

export type CallbackRequest = {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export type CallbackAnswer = {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** Lower-case names; absent where a test makes an answer up. */
  readonly headers?: Readonly<Record<string, string>>
}

export type Judgement = {
  /** Byte for byte an answer this rail knows, and the right one to what was sent. */
  readonly asExpected: boolean
  /** The rail does not call again. */
  readonly ends: boolean
  /** How the rail reads the answer. */
  readonly meaning: string
}

export type CallbackPlan = {
  /** The reference the callback is about. */
  readonly about: string
  readonly label: string
  /**
   * Built anew for each attempt: some rails sign the moment of sending, some fetch a token first. Null while no address is
   * known; a text tells why there is nothing to send.
   */
  readonly request: () => CallbackRequest | string | null | Promise<CallbackRequest | string | null>
  readonly judge: (answer: CallbackAnswer) => Judgement
  /** Waits before the second, third … attempt. */
  readonly retryDelaysMs: readonly number[]
  readonly timeoutMs: number
  /** Sent at the same moment; 1 unless a duplicate is wanted. */
  readonly copies?: number
}

export type Acknowledgement = Judgement & {
  readonly at: Date
  /** 1 for the first call. */
  readonly attempt: number
  /** Null when no answer came. */
  readonly status: number | null
  readonly contentType: string
  readonly body: string
  /** What the rail does next. */
  readonly next: 'stop' | 'call again' | 'give up'
}

export type Callback = {
  readonly number: number
  readonly about: string
  readonly label: string
  readonly acknowledgements: readonly Acknowledgement[]
  readonly state: 'held back' | 'sending' | 'waiting' | 'acknowledged' | 'given up'
}

export type Notifier = {
  readonly callbacks: readonly Callback[]
  /** Resolves when the first attempt (all its copies) is over; retries follow by themselves. */
  send(plan: CallbackPlan): Promise<Callback>
  /** One call beside the callbacks, for rails that fetch a token first; a text when no answer came. */
  exchange(message: CallbackRequest, timeoutMs: number): Promise<CallbackAnswer | string>
  /** Makes every waiting retry now. */
  retryNow(): Promise<void>
  /** Sends what `outOfOrder` still keeps back. */
  release(): Promise<void>
  close(): Promise<void>
}

type Kept = { -readonly [K in keyof Callback]: Callback[K] } & { acknowledgements: Acknowledgement[] }

const mostKept = 5_000

export function createNotifier({ clock, timers, log, network }: SandboxContext, behaviour: Behaviour): Notifier {
  const callbacks: Kept[] = []
  const waiting = new Map<Kept, { cancel: () => void; retry: () => Promise<void> }>()
  let heldBack: { callback: Kept; plan: CallbackPlan } | null = null
  let sent = 0
  let closed = false

  async function call(plan: CallbackPlan): Promise<CallbackAnswer | string> {
    if (behaviour.current.callbacksLost) return 'lost on the way'
    const message = await plan.request()
    if (message === null) return 'no callback address is set'
    return typeof message === 'string' ? message : await exchange(message, plan.timeoutMs)
  }

  async function exchange(message: CallbackRequest, timeoutMs: number): Promise<CallbackAnswer | string> {
    try {
      return await network.send(message, timeoutMs)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  async function attempt(callback: Kept, plan: CallbackPlan, number: number): Promise<void> {
    callback.state = 'sending'
    const copies = number > 1 ? 1 : Math.max(plan.copies ?? 1, behaviour.current.duplicate ? 2 : 1)
    const answers = await Promise.all(Array.from({ length: copies }, () => call(plan)))
    const judged = answers.map((answer) =>
      typeof answer === 'string'
        ? { status: null, contentType: '', body: '', asExpected: false, ends: false, meaning: answer }
        : { status: answer.status, contentType: answer.contentType, body: answer.body, ...plan.judge(answer) },
    )
    const delay = plan.retryDelaysMs[number - 1]
    const ended = judged.some(({ ends }) => ends)
    const next = ended ? 'stop' : delay === undefined ? 'give up' : 'call again'
    for (const judgement of judged)
      callback.acknowledgements.push({ ...judgement, at: clock.now(), attempt: number, next })
    log.info({ about: plan.about, attempt: number, next, meaning: judged[0]?.meaning }, 'callback sent')
    callback.state = ended ? 'acknowledged' : delay === undefined ? 'given up' : 'waiting'
    if (callback.state === 'waiting' && delay !== undefined && !closed) {
      const retry = (): Promise<void> => {
        waiting.delete(callback)
        return attempt(callback, plan, number + 1)
      }
      const cancel = timers.after(delay, () => {
        // `attempt` answers for its own failures: an unreachable gateway is an acknowledgement without a status.
        void retry()
      })
      waiting.set(callback, { cancel, retry })
    }
  }

  async function release(): Promise<void> {
    const late = heldBack
    heldBack = null
    if (late !== null) await attempt(late.callback, late.plan, 1)
  }

  return {
    callbacks,
    async send(plan) {
      const callback: Kept = {
        number: ++sent,
        about: plan.about,
        label: plan.label,
        acknowledgements: [],
        state: 'sending',
      }
      callbacks.push(callback)
      if (callbacks.length > mostKept) callbacks.shift()
      if (behaviour.current.outOfOrder && heldBack === null) {
        callback.state = 'held back'
        heldBack = { callback, plan }
        return callback
      }
      await attempt(callback, plan, 1)
      await release()
      return callback
    },
    async retryNow() {
      const due = [...waiting.values()]
      for (const { cancel } of due) cancel()
      await Promise.all(due.map(({ retry }) => retry()))
    },
    release,
    exchange,
    close() {
      closed = true
      for (const { cancel } of waiting.values()) cancel()
      waiting.clear()
      return Promise.resolve()
    },
  }
}
