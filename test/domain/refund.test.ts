import t from 'tap'
import {
  holdsMoney,
  isAnotherPerson,
  refundChannels,
  refundEvents,
  refundStatuses,
  refundTransitions,
  stepOf,
} from '../../src/domain/refund.ts'

const rail = ['RAIL_REVERSAL'] as const
const payouts = ['AGENCY_PAYOUT', 'TREASURY_ORDER'] as const

/** State, event, state after; for these channels. Written from domain.md §7.6, not from the table. */
const allowed: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['REQUESTED', 'prepare', 'REQUESTED', [...rail, ...payouts]],
  ['REQUESTED', 'approve', 'APPROVED', [...rail, ...payouts]],
  ['REQUESTED', 'reject', 'REJECTED', [...rail, ...payouts]],
  ['REQUESTED', 'withdraw', 'REJECTED', [...rail, ...payouts]],
  ['APPROVED', 'reject', 'REJECTED', [...rail, ...payouts]],
  ['APPROVED', 'send', 'SENT', [...rail, ...payouts]],
  ['APPROVED', 'block', 'FAILED', [...rail, ...payouts]],
  ['SENT', 'notSent', 'APPROVED', rail],
  ['SENT', 'accept', 'SENT', rail],
  ['SENT', 'done', 'DONE', rail],
  ['SENT', 'fail', 'FAILED', rail],
  ['SENT', 'lose', 'UNKNOWN', rail],
  ['SENT', 'report', 'SENT', payouts],
  ['SENT', 'confirmDone', 'DONE', payouts],
  ['SENT', 'confirmFailed', 'FAILED', payouts],
  ['UNKNOWN', 'accept', 'UNKNOWN', rail],
  ['UNKNOWN', 'done', 'DONE', rail],
  ['UNKNOWN', 'fail', 'FAILED', rail],
  ['UNKNOWN', 'report', 'UNKNOWN', rail],
  ['UNKNOWN', 'confirmDone', 'DONE', rail],
  ['UNKNOWN', 'confirmFailed', 'FAILED', rail],
  ['FAILED', 'approve', 'APPROVED', [...rail, ...payouts]],
  ['FAILED', 'prepare', 'REQUESTED', [...rail, ...payouts]],
  ['FAILED', 'reject', 'REJECTED', [...rail, ...payouts]],
  ['FAILED', 'done', 'DONE', rail],
]

t.test('every transition that is allowed, and every other refused, in each state and channel', (t) => {
  for (const status of refundStatuses)
    for (const event of refundEvents)
      for (const channel of refundChannels) {
        const row = allowed.find(
          ([from, on, , channels]) => from === status && on === event && channels.includes(channel),
        )
        t.equal(stepOf(status, event, channel)?.to ?? null, row?.[2] ?? null, `${status} ${event} ${channel}`)
      }
  t.end()
})

t.test('without a channel nothing that belongs to one is possible', (t) => {
  t.equal(stepOf('APPROVED', 'send', null), null)
  t.equal(stepOf('REQUESTED', 'prepare', null)?.to, 'REQUESTED')
  t.end()
})

t.test('what is done or rejected stays so', (t) => {
  t.same(
    refundTransitions.filter(({ from }) => from === 'DONE' || from === 'REJECTED'),
    [],
  )
  t.end()
})

t.test('nothing is sent but what was approved, and nothing approved but by another person', (t) => {
  t.same(
    [...new Set(refundTransitions.filter(({ to }) => to === 'SENT').map(({ from }) => from))],
    ['APPROVED', 'SENT'],
  )
  for (const { on, notBy } of refundTransitions) {
    if (on === 'approve' || on === 'reject') t.equal(notBy, 'requester', on)
    if (on === 'confirmDone' || on === 'confirmFailed') t.equal(notBy, 'reporter', on)
  }
  t.end()
})

t.test('what may have left is never sent again: only a known failure leads back to approval', (t) => {
  t.same(
    refundTransitions.filter(({ to, on }) => to === 'APPROVED' && on !== 'notSent').map(({ from }) => from),
    ['REQUESTED', 'FAILED'],
  )
  t.same(
    refundTransitions.filter(({ from, to }) => from === 'UNKNOWN' && !['UNKNOWN', 'DONE', 'FAILED'].includes(to)),
    [],
  )
  t.end()
})

t.test('a refund holds its money until it failed or was rejected', (t) => {
  t.same(
    refundStatuses.filter((status) => !holdsMoney(status)),
    ['REJECTED', 'FAILED'],
  )
  t.end()
})

t.test('four eyes are two persons, and the first part must have been done', (t) => {
  t.ok(isAnotherPerson('b', 'a'))
  t.notOk(isAnotherPerson('a', 'a'))
  t.notOk(isAnotherPerson('b', null))
  t.end()
})
