/**
 * The life of a refund (domain.md §7.6), as data: states, what may happen in each, and who may make it happen.
 * `stepOf` only walks the table. The same table generates docs/refunds.md and drives the tests.
 */
import type { Disposition } from './decision.ts'

export const refundStatuses = ['REQUESTED', 'APPROVED', 'REJECTED', 'SENT', 'UNKNOWN', 'FAILED', 'DONE'] as const
export type RefundStatus = (typeof refundStatuses)[number]

/** How the money goes back: by the rail it came on, out of the agency's account, or out of the State budget. */
export const refundChannels = ['RAIL_REVERSAL', 'AGENCY_PAYOUT', 'TREASURY_ORDER'] as const
export type RefundChannel = (typeof refundChannels)[number]
export const payoutChannels = ['AGENCY_PAYOUT', 'TREASURY_ORDER'] as const satisfies readonly RefundChannel[]

/** `REQUEST`: somebody asked for collected money. Any other: what the settlement door found, and opened a case about. */
export const refundOrigins = [
  'REQUEST',
  'DUPLICATE',
  'OVERPAID',
  'UNDERPAID',
  'UNAPPLIED',
  'ORPHAN',
  'REVERSED',
] as const satisfies readonly ('REQUEST' | Disposition)[]
export type RefundOrigin = (typeof refundOrigins)[number]

export const refundEvents = [
  'prepare',
  'approve',
  'reject',
  'withdraw',
  'send',
  'block',
  'notSent',
  'accept',
  'lose',
  'done',
  'fail',
  'report',
  'confirmDone',
  'confirmFailed',
] as const
export type RefundEvent = (typeof refundEvents)[number]

export type RefundTransition = {
  readonly from: RefundStatus
  readonly on: RefundEvent
  readonly to: RefundStatus
  /** An officer's role, the gateway itself, or what the rail says. */
  readonly by: 'finance.resolve' | 'finance.approve' | 'gateway' | 'rail'
  /** Four eyes: this must be another person than the one who did that. */
  readonly notBy?: 'requester' | 'reporter'
  /** Absent: every channel. */
  readonly channels?: readonly RefundChannel[]
  readonly means: string
}

const rail = ['RAIL_REVERSAL'] as const satisfies readonly RefundChannel[]

export const refundTransitions: readonly RefundTransition[] = [
  {
    from: 'REQUESTED',
    on: 'prepare',
    to: 'REQUESTED',
    by: 'finance.resolve',
    means: 'amount, reason, channel and payee are set; whoever sets them has made the request',
  },
  {
    from: 'REQUESTED',
    on: 'approve',
    to: 'APPROVED',
    by: 'finance.approve',
    notBy: 'requester',
    means: 'the money may go back',
  },
  {
    from: 'REQUESTED',
    on: 'reject',
    to: 'REJECTED',
    by: 'finance.approve',
    notBy: 'requester',
    means: 'nothing is sent; a case is closed',
  },
  {
    from: 'REQUESTED',
    on: 'withdraw',
    to: 'REJECTED',
    by: 'gateway',
    means: 'the rail or the counter has taken the payment back: nothing is left to give back',
  },
  {
    from: 'APPROVED',
    on: 'reject',
    to: 'REJECTED',
    by: 'finance.approve',
    notBy: 'requester',
    means: 'taken back before anything was sent',
  },
  {
    from: 'APPROVED',
    on: 'send',
    to: 'SENT',
    by: 'gateway',
    channels: rail,
    means: 'committed under its own reference before the rail is called',
  },
  {
    from: 'APPROVED',
    on: 'send',
    to: 'SENT',
    by: 'finance.resolve',
    channels: payoutChannels,
    means: 'written into a payout order',
  },
  {
    from: 'APPROVED',
    on: 'block',
    to: 'FAILED',
    by: 'gateway',
    means: 'the rail has taken the payment back meanwhile: nothing is sent',
  },
  {
    from: 'SENT',
    on: 'notSent',
    to: 'APPROVED',
    by: 'gateway',
    channels: rail,
    means: 'no connection, or no token: no byte of it has left, so it is tried again later under the same reference',
  },
  { from: 'SENT', on: 'accept', to: 'SENT', by: 'rail', channels: rail, means: 'the rail works on it: asked about' },
  { from: 'SENT', on: 'done', to: 'DONE', by: 'rail', channels: rail, means: 'the rail says the money went back' },
  { from: 'SENT', on: 'fail', to: 'FAILED', by: 'rail', channels: rail, means: 'the rail refused: no money moved' },
  {
    from: 'SENT',
    on: 'lose',
    to: 'UNKNOWN',
    by: 'gateway',
    channels: rail,
    means: 'no clear answer, or the process died: it may have happened, so it is never sent again',
  },
  {
    from: 'UNKNOWN',
    on: 'accept',
    to: 'UNKNOWN',
    by: 'rail',
    channels: rail,
    means: 'inquiry: the rail knows it and works on it',
  },
  {
    from: 'UNKNOWN',
    on: 'done',
    to: 'DONE',
    by: 'rail',
    channels: rail,
    means: 'inquiry or the statement: the money went back',
  },
  { from: 'UNKNOWN', on: 'fail', to: 'FAILED', by: 'rail', channels: rail, means: 'inquiry: the rail refused it' },
  {
    from: 'SENT',
    on: 'report',
    to: 'SENT',
    by: 'finance.resolve',
    channels: payoutChannels,
    means: "an officer tells the result with the bank's reference",
  },
  {
    from: 'UNKNOWN',
    on: 'report',
    to: 'UNKNOWN',
    by: 'finance.resolve',
    channels: rail,
    means: 'inquiry gave up: an officer tells what the rail or the statement says',
  },
  ...(['SENT', 'UNKNOWN'] as const).flatMap((from): RefundTransition[] => [
    {
      from,
      on: 'confirmDone',
      to: 'DONE',
      by: 'finance.approve',
      notBy: 'reporter',
      channels: from === 'SENT' ? payoutChannels : rail,
      means: 'a second officer confirms that the money went back',
    },
    {
      from,
      on: 'confirmFailed',
      to: 'FAILED',
      by: 'finance.approve',
      notBy: 'reporter',
      channels: from === 'SENT' ? payoutChannels : rail,
      means: 'a second officer confirms that no money moved',
    },
  ]),
  {
    from: 'FAILED',
    on: 'approve',
    to: 'APPROVED',
    by: 'finance.approve',
    notBy: 'requester',
    means: 'sent again, under a fresh reference: the one before is known to have moved nothing',
  },
  {
    from: 'FAILED',
    on: 'prepare',
    to: 'REQUESTED',
    by: 'finance.resolve',
    means: 'another channel or payee, to be approved anew',
  },
  {
    from: 'FAILED',
    on: 'done',
    to: 'DONE',
    by: 'rail',
    channels: rail,
    means: 'rail or statement say after all that the money went back: no money without a record',
  },
  {
    from: 'FAILED',
    on: 'reject',
    to: 'REJECTED',
    by: 'finance.approve',
    notBy: 'requester',
    means: 'given up',
  },
]

/** The row that allows this event now; null when nothing does. */
export function stepOf(
  status: RefundStatus,
  event: RefundEvent,
  channel: RefundChannel | null,
): RefundTransition | null {
  return (
    refundTransitions.find(
      ({ from, on, channels }) =>
        from === status && on === event && (channels === undefined || (channel !== null && channels.includes(channel))),
    ) ?? null
  )
}

/** In these states a refund holds its amount of the payment: no other may use it. */
export function holdsMoney(status: RefundStatus): boolean {
  return status !== 'REJECTED' && status !== 'FAILED'
}

/** Who opens cases by itself. A case is nobody's request until an officer makes it one. */
export const gatewayActor = 'feegate'

/** Four eyes: false when nobody has done the first part, or the same person would do both. */
export function isAnotherPerson(actor: string, first: string | null): boolean {
  return first !== null && actor !== first
}

export function isPayout(channel: RefundChannel | null): boolean {
  return channel === 'AGENCY_PAYOUT' || channel === 'TREASURY_ORDER'
}
