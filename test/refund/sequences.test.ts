/**
 * Law: whatever officers ask and decide, whatever the rail answers, loses or says twice, and whenever processes die, no đồng goes
 * back twice, never more than was paid goes back, and the books agree with what really moved and sum to zero.
 */
import fc from 'fast-check'
import t from 'tap'
import { type RefundStatus, refundStatuses } from '../../src/domain/refund.ts'
import { rejectRefund } from '../../src/refund/decide.ts'
import { makePayoutOrder } from '../../src/refund/payout-order.ts'
import { prepareRefund } from '../../src/refund/prepare.ts'
import { readRefunds } from '../../src/refund/read.ts'
import { watchRefunds } from '../../src/watch/refunds.ts'
import type { RailWay } from '../harness/refund-rail.ts'
import { ledgerSum, payee, type RefundFixture, refundFixture } from '../harness/refunds.ts'

const minute = 60_000
const day = 24 * 60 * minute

const ways: readonly RailWay[] = [
  'done',
  'done',
  'done',
  'accepted',
  'accepted',
  'refused',
  'answerLost',
  'requestLost',
  'noConnection',
  'garbledDone',
  'garbled',
  'dieBefore',
  'dieAfter',
]

type Deed =
  | { do: 'ask'; line: number; amount: bigint; payout: boolean }
  | { do: 'approve' | 'reject' | 'prepare' | 'end'; pick: number; by: string }
  | { do: 'watch'; way: RailWay }
  | { do: 'finish'; as: 'done' | 'refused' }
  | { do: 'order' }
  | { do: 'wait'; ms: number }

const pick = fc.nat({ max: 6 })
const by = fc.constantFrom('binh', 'binh', 'an', 'chi')
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      line: fc.integer({ min: 1, max: 2 }),
      amount: fc.bigInt({ min: 1n, max: 40_000n }),
      payout: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('approve' as const), pick, by }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reject' as const), pick, by }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prepare' as const), pick, by }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), pick, by }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('watch' as const), way: fc.constantFrom(...ways) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      as: fc.constantFrom('done' as const, 'refused' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('order' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(minute, 11 * minute, day, 4 * day) }),
  },
)

/** References under which each refund of the payment has been at the rail. */
async function referencesOf({ database }: RefundFixture, settlementId: string): Promise<Map<string, string>> {
  const rows = await database.query<{ id: string; reference: string }>(
    `SELECT r.id, s.facts ->> 'reference' AS reference FROM refunds r JOIN refund_steps s ON s.refund_id = r.id
      WHERE r.settlement_id = $1 AND s.event = 'send' AND r.channel = 'RAIL_REVERSAL'`,
    [settlementId],
  )
  return new Map(rows.map(({ id, reference }) => [reference, id]))
}

/** A refusal is an answer; anything else thrown is a fault. */
async function tried(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'Problem') throw error
  }
}

async function act(fixture: RefundFixture, settlementId: string, given: Deed): Promise<void> {
  const { database, environment, rail, options, seeded } = fixture
  const { tenantId } = seeded
  const refunds = await readRefunds(database, tenantId, { settlementId, limit: 200 })
  /** Mostly one that the deed is for; at times any. */
  const chosen = (at: number, ...fitting: RefundStatus[]) => {
    const among = at < 5 ? refunds.filter(({ status }) => fitting.includes(status)) : refunds
    return among[at % Math.max(among.length, 1)]
  }
  switch (given.do) {
    case 'ask':
      return await tried(
        fixture.ask(settlementId, {
          items: [{ lineNo: given.line, amount: given.amount }],
          ...(given.payout ? { channel: 'AGENCY_PAYOUT', payee } : {}),
        }),
      )
    case 'approve': {
      const refund = chosen(given.pick, 'REQUESTED', 'FAILED')
      return refund === undefined ? undefined : await tried(fixture.approve(refund.id, given.by))
    }
    case 'reject': {
      const refund = chosen(given.pick, 'REQUESTED', 'FAILED', 'APPROVED')
      if (refund === undefined) return
      return await tried(
        database.transaction((tx) => rejectRefund(tx, environment, { tenantId, subject: given.by }, refund.id, 'x')),
      )
    }
    case 'prepare': {
      const refund = chosen(given.pick, 'FAILED')
      if (refund === undefined) return
      return await tried(
        database.transaction((tx) =>
          prepareRefund(
            tx,
            environment,
            { tenantId, subject: given.by },
            refund.id,
            {
              reason: 'NOT_GRANTED',
              legalBasis: 'Thông báo 12',
              channel: 'RAIL_REVERSAL',
              items: refund.items,
            },
            fixture.vault,
          ),
        ),
      )
    }
    case 'end': {
      const refund = chosen(given.pick, 'SENT', 'UNKNOWN')
      if (refund === undefined) return
      // Officers tell the truth about what the rail moved, once it is known; of payouts, whatever the bank did.
      if (rail.worksOn(refund.railReference)) return
      const moved = rail.moved.some(({ reference }) => reference === refund.railReference)
      const isDone = refund.channel === 'RAIL_REVERSAL' ? moved : given.pick % 2 === 0
      return await tried(fixture.end(refund.id, isDone ? 'DONE' : 'FAILED'))
    }
    case 'watch': {
      const hanging = rail.hanging
      rail.forget()
      rail.next(given.way)
      const round = watchRefunds(options)
      let ended = false
      void round.then(() => {
        ended = true
      })
      while (!ended && rail.hanging === hanging) await new Promise((resolve) => setTimeout(resolve, 1))
      return
    }
    case 'finish':
      return rail.finish(given.as)
    case 'order':
      return await tried(
        database.transaction((tx) =>
          makePayoutOrder(
            tx,
            environment,
            { tenantId, subject: 'an' },
            {
              channel: 'AGENCY_PAYOUT',
              beneficiaryAccountId: seeded.beneficiaryAccountId,
            },
          ),
        ),
      )
    case 'wait':
      environment.advance(given.ms)
  }
}

async function check(fixture: RefundFixture, settlementId: string, paid: bigint, seen: Set<string>): Promise<string[]> {
  const { database, rail, seeded } = fixture
  const refunds = await readRefunds(database, seeded.tenantId, { settlementId, limit: 200 })
  const references = await referencesOf(fixture, settlementId)
  const movedOf = (id: string): number => rail.moved.filter(({ reference }) => references.get(reference) === id).length
  const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n)
  const moved = sum(rail.moved.filter(({ reference }) => references.has(reference)).map(({ amount }) => amount))
  const done = refunds.filter(({ status }) => status === 'DONE')
  const paidOut = sum(done.filter(({ channel }) => channel === 'AGENCY_PAYOUT').map(({ amount }) => amount))
  const [booked] = await database.query<{ owed: bigint }>(
    `SELECT coalesce(sum(p.amount), 0)::bigint AS owed FROM ledger_postings p
       JOIN ledger_transactions l ON l.id = p.transaction_id JOIN refunds r ON r.id = l.refund_id
      WHERE r.settlement_id = $1 AND p.amount > 0`,
    [settlementId],
  )
  const held = sum(
    refunds.filter(({ status }) => status !== 'REJECTED' && status !== 'FAILED').map(({ amount }) => amount),
  )
  const wrong: string[] = []
  if (held > paid) wrong.push(`refunds hold ${held} of ${paid}`)
  if (moved + paidOut > paid) wrong.push(`${moved} by the rail and ${paidOut} paid out of ${paid}`)
  if (booked?.owed !== sum(done.map(({ amount }) => amount))) wrong.push(`the books have ${booked?.owed}`)
  for (const { id, status, channel } of refunds) {
    seen.add(`${status} ${channel}`)
    if (movedOf(id) > 1) wrong.push(`${id} moved ${movedOf(id)} times`)
    if (channel !== 'RAIL_REVERSAL') continue
    if (status === 'DONE' && movedOf(id) !== 1) wrong.push(`${id} is done and never moved`)
    if (['FAILED', 'REJECTED', 'REQUESTED', 'APPROVED'].includes(status) && movedOf(id) !== 0)
      wrong.push(`${id} moved and is ${status}`)
  }
  if ((await ledgerSum(database)) !== 0n) wrong.push('the ledger does not sum to zero')
  return wrong
}

/** Reaches every end, so that the law is never proved over nothing. */
const asked = { do: 'ask', line: 1, amount: 1_000n } as const
const everyEnd: Deed[] = [
  { ...asked, payout: false },
  { do: 'approve', pick: 0, by: 'binh' },
  { do: 'watch', way: 'accepted' },
  { do: 'finish', as: 'done' },
  { do: 'wait', ms: day },
  { do: 'watch', way: 'done' },
  { ...asked, payout: true },
  { do: 'approve', pick: 0, by: 'binh' },
  { do: 'order' },
  { do: 'end', pick: 0, by: 'binh' },
  { ...asked, payout: true },
  { do: 'approve', pick: 0, by: 'binh' },
  { do: 'order' },
  { do: 'end', pick: 1, by: 'binh' },
  { do: 'reject', pick: 0, by: 'binh' },
  { ...asked, payout: false },
  { do: 'approve', pick: 0, by: 'binh' },
  { do: 'watch', way: 'requestLost' },
  { do: 'wait', ms: 4 * day },
  { do: 'watch', way: 'done' },
  { do: 'end', pick: 0, by: 'binh' },
  { do: 'approve', pick: 0, by: 'binh' },
  { do: 'watch', way: 'answerLost' },
]

t.test('any sequence of requests, decisions, answers and deaths', async (t) => {
  const fixture = await refundFixture(t, { maxConnections: 10 })
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 20, maxLength: 40 }), async (deeds) => {
      const { settlementId } = await fixture.paid()
      for (const given of deeds) {
        await act(fixture, settlementId, given)
        const wrong = await check(fixture, settlementId, 58_000n, seen)
        if (wrong.length > 0) throw new Error(`after ${given.do}: ${wrong.join('; ')}`)
      }
      // Nothing of this run is left for the next one to send.
      fixture.environment.advance(40 * day)
      await fixture.database.query(
        `UPDATE refunds SET next_send_at = NULL, next_inquiry_at = NULL, lease_until = NULL WHERE settlement_id = $1`,
        [settlementId],
      )
      fixture.options.breaker.answered(fixture.seeded.railAccountId)
    }),
    { numRuns: Number(process.env.REFUND_RUNS ?? 50), endOnFailure: true, examples: [[everyEnd]] },
  )
  // No payout is unknown: its officers know, or it is not ended.
  for (const status of refundStatuses) t.ok(seen.has(`${status} RAIL_REVERSAL`) || status === 'REJECTED', status)
  for (const status of ['DONE', 'FAILED', 'REJECTED']) t.ok(seen.has(`${status} AGENCY_PAYOUT`), `payout ${status}`)
})
