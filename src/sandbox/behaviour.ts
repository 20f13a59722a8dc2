/** Switches that make a partner behave as partners do on their bad days. All off at the start. */
export type Misbehaviour = {
  /** Every answer waits this long. */
  readonly slowMs: number
  /** Answers 500 and does nothing. */
  readonly answer500: boolean
  /** Does what was asked, then never answers. */
  readonly timeoutAfterEffect: boolean
  /** Callbacks never arrive. */
  readonly callbacksLost: boolean
  /** Sends every callback twice at the same moment. */
  readonly duplicate: boolean
  /** Keeps a callback back until a later one has gone. */
  readonly outOfOrder: boolean
  /** Callbacks and answers name 1,000 VND more than the order. */
  readonly wrongAmount: boolean
  /** Signatures of callbacks and answers do not fit their text. */
  readonly badSignature: boolean
  /** This partner's clock is off by so much. */
  readonly clockSkewMs: number
}

export const goodBehaviour: Misbehaviour = {
  slowMs: 0,
  answer500: false,
  timeoutAfterEffect: false,
  callbacksLost: false,
  duplicate: false,
  outOfOrder: false,
  wrongAmount: false,
  badSignature: false,
  clockSkewMs: 0,
}

/** What a person reads beside each switch. */
export const switchTexts: Readonly<Record<keyof Misbehaviour, readonly [vi: string, en: string]>> = {
  slowMs: ['Trả lời chậm (mili giây)', 'Answer late (milliseconds)'],
  answer500: ['Trả lời lỗi 500, không làm gì', 'Answer 500 and do nothing'],
  timeoutAfterEffect: ['Làm xong rồi không trả lời', 'Do it, then never answer'],
  callbacksLost: ['Mất lời gọi lại', 'Lose callbacks'],
  duplicate: ['Gọi lại hai lần', 'Call back twice'],
  outOfOrder: ['Gọi lại sai thứ tự', 'Call back out of order'],
  wrongAmount: ['Báo thừa 1.000 ₫', 'Name 1,000 VND more'],
  badSignature: ['Ký sai', 'Sign wrongly'],
  clockSkewMs: ['Đồng hồ lệch (mili giây)', 'Clock off by (milliseconds)'],
}

export type Behaviour = {
  readonly current: Misbehaviour
  /** Turns the named switches; the others stay. */
  misbehave(change: Partial<Misbehaviour>): void
  /** Turns all off. */
  behave(): void
}

export function createBehaviour(): Behaviour {
  let current = goodBehaviour
  return {
    get current() {
      return current
    },
    misbehave(change) {
      current = { ...current, ...change }
    },
    behave() {
      current = goodBehaviour
    },
  }
}

/** What `wrongAmount` adds. */
export const wrongBy = 1_000n
