/** Refunds at a rail: sent once, whatever is lost or dies on the way, and ended only by somebody's word. */
import t from 'tap'
import type { RefundRailOptions } from '../../src/refund/rail-order.ts'
import type { Database, Transaction } from '../../src/store/database.ts'
import { findLost, inquireDueRefunds, sendDueRefunds, watchRefunds } from '../../src/watch/refunds.ts'
import { balances, ledgerSum, type RefundFixture, refundFixture } from '../harness/refunds.ts'

const minute = 60_000
const day = 24 * 60 * minute

const stepsOf = async ({ database }: RefundFixture, id: string): Promise<string[]> =>
  (
    await database.query<{ event: string }>('SELECT event FROM refund_steps WHERE refund_id = $1 ORDER BY seq', [id])
  ).map(({ event }) => event)

t.test('an approved refund is sent, booked and told in one go', async (t) => {
  const fixture = await refundFixture(t)
  const { database, rail, options, seeded } = fixture
  const { invoice, settlementId } = await fixture.paid()
  const id = await fixture.approved(settlementId)
  t.equal(await sendDueRefunds(options), 1)
  const refund = await fixture.read(id)
  t.match(refund, { status: 'DONE', railRefundId: /^N/, leaseUntil: null, needsHuman: false })
  t.match(rail.sent, [{ reference: refund.railReference, amount: 58_000n }])
  t.same(await stepsOf(fixture, id), ['open', 'approve', 'send', 'done'])
  t.match(await database.query('SELECT status, event_seq FROM invoices WHERE id = $1', [invoice.id]), [
    { status: 'REFUNDED' },
  ])
  t.same(await balances(database), {
    [`collected:${seeded.beneficiaryAccountId}:2716`]: 0n,
    [`collected:${seeded.beneficiaryAccountId}:2768`]: 0n,
    [`rail:${seeded.railAccountId}`]: 0n,
  })
  t.equal(await watchRefunds(options), 0, 'and never again')
})

t.test('SENT and its reference are on record before the rail hears of it', async (t) => {
  const fixture = await refundFixture(t)
  const { settlementId } = await fixture.paid()
  const id = await fixture.approved(settlementId)
  let seen: unknown
  const call: RefundRailOptions['call'] = async (asked) => {
    seen = await fixture.read(id)
    return await fixture.rail.call(asked)
  }
  await sendDueRefunds({ ...fixture.options, call })
  t.match(seen, { status: 'SENT', railReference: fixture.rail.sent[0]?.reference })
})

t.test('three replicas send each refund once', async (t) => {
  const fixture = await refundFixture(t, { maxConnections: 12 })
  for (let index = 0; index < 8; index++) await fixture.approved((await fixture.paid()).settlementId)
  const { options, rail } = fixture
  await Promise.all([watchRefunds(options), watchRefunds(options), watchRefunds(options)])
  await watchRefunds(options)
  t.equal(rail.sent.length, 8)
  t.equal(new Set(rail.sent.map(({ reference }) => reference)).size, 8)
})

t.test('a refusal moved nothing: failed, and a fresh approval sends it under a fresh reference', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('refused')
  await sendDueRefunds(options)
  t.match(await fixture.read(id), { status: 'FAILED', railDetail: '95: no' })
  t.equal(await sendDueRefunds(options), 0, 'not without an approval')
  await t.rejects(fixture.approve(id, 'an'), { code: 'FOUR_EYES' })
  await fixture.approve(id)
  await sendDueRefunds(options)
  t.match(await fixture.read(id), { status: 'DONE' })
  t.equal(rail.moved.length, 1)
  t.not(rail.sent[0]?.reference, rail.sent[1]?.reference)
})

t.test('without a connection nothing has left: tried again, later and later, under the same reference', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options, environment } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('noConnection', 'noConnection')
  await sendDueRefunds(options)
  const first = await fixture.read(id)
  t.match(first, { status: 'APPROVED', sentAt: null })
  t.equal(await sendDueRefunds(options), 0)
  environment.advance(minute)
  t.equal(await sendDueRefunds(options), 1)
  environment.advance(minute)
  t.equal(await sendDueRefunds(options), 0, 'two minutes this time')
  environment.advance(minute)
  t.equal(await sendDueRefunds(options), 1)
  t.match(await fixture.read(id), { status: 'DONE', railReference: first.railReference })
  t.match(rail.moved, [{ reference: first.railReference }])
})

t.test('a token that never came sent nothing: tried again under the same reference', async (t) => {
  const fixture = await refundFixture(t, { rail: { token: true } })
  const { rail, options, environment } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('tokenLost')
  await sendDueRefunds(options)
  const waiting = await fixture.read(id)
  t.match(waiting, { status: 'APPROVED', railReference: /^ref_/ })
  environment.advance(minute)
  rail.next('answerLost')
  await sendDueRefunds(options)
  t.match(
    await fixture.read(id),
    { status: 'UNKNOWN', railReference: waiting.railReference },
    'the refund itself is not',
  )
  environment.advance(minute)
  await watchRefunds(options)
  t.match(await fixture.read(id), { status: 'DONE' })
  t.equal(rail.moved.length, 1)
})

t.test('while the circuit of a rail is open nothing is sent to it', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options, environment } = fixture
  const ids: string[] = []
  for (let index = 0; index < 7; index++) ids.push(await fixture.approved((await fixture.paid()).settlementId))
  for (let at = 0; at < 5; at++) options.breaker.failed(fixture.seeded.railAccountId)
  await sendDueRefunds(options)
  t.equal(rail.sent.length, 0)
  for (const id of ids) t.match(await fixture.read(id), { status: 'APPROVED', railDetail: /does not answer/ })
  // One of them tries whether it answers again; the others follow.
  for (let round = 0; round < 3; round++) {
    environment.advance(2 * minute)
    await sendDueRefunds(options)
  }
  t.equal(rail.sent.length, 7)
})

for (const [way, moved] of [
  ['answerLost', true],
  ['requestLost', false],
  ['garbledDone', true],
  ['garbled', false],
] as const) {
  t.test(`${way}: UNKNOWN, never sent again; the rail's own word or two officers end it`, async (t) => {
    const fixture = await refundFixture(t)
    const { rail, options, environment, database } = fixture
    const id = await fixture.approved((await fixture.paid()).settlementId)
    rail.next(way)
    await sendDueRefunds(options)
    t.match(await fixture.read(id), { status: 'UNKNOWN', needsHuman: false })
    await t.rejects(fixture.approve(id), { code: 'REFUND_WRONG_STATE' })
    await t.rejects(fixture.end(id, 'FAILED'), { code: 'REFUND_WRONG_STATE' }, 'the rail is asked first')
    for (let passed = 0; passed <= 4 * day; passed += day / 2) {
      environment.advance(day / 2)
      await watchRefunds(options)
    }
    t.equal(rail.sent.length, 1)
    if (moved) t.match(await fixture.read(id), { status: 'DONE', needsHuman: false })
    else {
      t.match(await fixture.read(id), { status: 'UNKNOWN', needsHuman: true, nextInquiryAt: null })
      await fixture.end(id, 'FAILED')
      t.match(await fixture.read(id), { status: 'FAILED', needsHuman: false })
      await fixture.approve(id)
      await sendDueRefunds(options)
      t.match(await fixture.read(id), { status: 'DONE' })
    }
    t.equal(rail.moved.length, 1)
    t.equal(await ledgerSum(database), 0n)
  })
}

t.test('an inquiry that is lost changes nothing; the next slot asks again', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options, environment } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('answerLost')
  rail.nextInquiry('lost')
  await sendDueRefunds(options)
  environment.advance(minute)
  t.equal(await inquireDueRefunds(options), 1)
  t.match(await fixture.read(id), { status: 'UNKNOWN', inquiries: 1 })
  environment.advance(2 * minute)
  await inquireDueRefunds(options)
  t.match(await fixture.read(id), { status: 'DONE' })
})

t.test('what a rail accepted is asked about until it is done or refused', async (t) => {
  for (const end of ['done', 'refused'] as const) {
    const fixture = await refundFixture(t)
    const { rail, options, environment } = fixture
    const id = await fixture.approved((await fixture.paid()).settlementId)
    rail.next('accepted')
    await sendDueRefunds(options)
    t.match(await fixture.read(id), { status: 'SENT', railRefundId: /^N/, leaseUntil: null })
    environment.advance(5 * day)
    await watchRefunds(options)
    t.match(await fixture.read(id), { status: 'SENT', needsHuman: false }, 'banks take their time')
    t.same(await stepsOf(fixture, id), ['open', 'approve', 'send', 'accept'], 'no step for news that is none')
    rail.finish(end)
    environment.advance(day)
    await watchRefunds(options)
    t.match(await fixture.read(id), { status: end === 'done' ? 'DONE' : 'FAILED' })
  }
})

t.test('after thirty days of waiting for an accepted refund a human is asked', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options, environment } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('accepted')
  await sendDueRefunds(options)
  for (let passed = 0; passed < 31; passed++) {
    environment.advance(day)
    await watchRefunds(options)
  }
  t.match(await fixture.read(id), { status: 'UNKNOWN', needsHuman: true })
  await fixture.end(id, 'DONE')
  t.match(await fixture.read(id), { status: 'DONE', resultConfirmedBy: 'binh' })
})

t.test('a process that dies with the last inquiry leaves nothing stuck', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options, environment } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('accepted')
  await sendDueRefunds(options)
  environment.advance(31 * day)
  const dead = new Promise<never>(() => {})
  void inquireDueRefunds({ ...options, call: () => dead })
  while ((await fixture.read(id)).nextInquiryAt !== null) await new Promise((resolve) => setTimeout(resolve, 5))
  t.match(await fixture.read(id), { status: 'SENT', nextInquiryAt: null })
  await watchRefunds(options)
  t.match(await fixture.read(id), { status: 'UNKNOWN', needsHuman: true })
})

t.test('a rail that cannot be asked leaves what is unclear to a human at once', async (t) => {
  const fixture = await refundFixture(t, { rail: { inquiry: false } })
  const { rail, options } = fixture
  const lost = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('answerLost')
  await sendDueRefunds(options)
  t.match(await fixture.read(lost), { status: 'UNKNOWN', needsHuman: true, nextInquiryAt: null })
  const accepted = await fixture.approved((await fixture.paid()).settlementId)
  rail.next('accepted')
  await sendDueRefunds(options)
  t.match(await fixture.read(accepted), { status: 'UNKNOWN', needsHuman: true })
})

t.test('of one payment one refund is under way at a time', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options, environment } = fixture
  const { settlementId } = await fixture.paid()
  const part = (amount: bigint) => ({ items: [{ lineNo: 1, amount }] })
  const first = await fixture.approved(settlementId, part(20_000n))
  const second = await fixture.approved(settlementId, part(30_000n))
  rail.next('accepted')
  await sendDueRefunds(options)
  environment.advance(2 * minute)
  await watchRefunds(options)
  t.equal(rail.sent.length, 1)
  t.match([await fixture.read(first), await fixture.read(second)].map(({ status }) => status).sort(), [
    'APPROVED',
    'SENT',
  ])
  rail.finish()
  environment.advance(60 * minute)
  await watchRefunds(options)
  environment.advance(2 * minute)
  await watchRefunds(options)
  for (const id of [first, second]) t.match(await fixture.read(id), { status: 'DONE' })
  t.equal(rail.moved.length, 2)
})

t.test('a rail that tells of a payment and not of a refund is not believed about the wrong one', async (t) => {
  const fixture = await refundFixture(t, { rail: { foundBy: 'payment' } })
  const { rail, options, environment } = fixture
  const { settlementId } = await fixture.paid()
  const part = { items: [{ lineNo: 1, amount: 10_000n }] }
  const first = await fixture.approved(settlementId, part)
  await sendDueRefunds(options)
  t.match(await fixture.read(first), { status: 'DONE' })
  const second = await fixture.approved(settlementId, part)
  rail.next('requestLost')
  await sendDueRefunds(options)
  environment.advance(minute)
  await watchRefunds(options)
  t.match(await fixture.read(second), { status: 'UNKNOWN' }, 'what the rail tells of is the first refund')
  environment.advance(4 * day)
  await watchRefunds(options)
  t.match(await fixture.read(second), { status: 'UNKNOWN', needsHuman: true })
  const other = await fixture.approved((await fixture.paid()).settlementId, part)
  rail.next('answerLost')
  await sendDueRefunds(options)
  environment.advance(minute)
  await watchRefunds(options)
  t.match(await fixture.read(other), { status: 'DONE' }, 'alone of its amount it can be none but this')
})

t.test('a payment that the rail takes back between approval and sending is not refunded as well', async (t) => {
  const fixture = await refundFixture(t)
  const { rail, options, database } = fixture
  const { invoice, settlementId } = await fixture.paid()
  const id = await fixture.approved(settlementId)
  const [row] = await database.query<{ txn: string }>(
    'SELECT rail_transaction_id AS txn FROM settlements WHERE id = $1',
    [settlementId],
  )
  await fixture.settle({
    rail: 'vnpay',
    accountId: fixture.seeded.railAccountId,
    merchantRef: invoice.merchantRef,
    railTransactionId: row?.txn ?? '',
    kind: 'reversed',
    amount: 58_000n,
    currency: 'VND',
    paidAt: null,
    source: 'CALLBACK',
    evidence: {},
  })
  await sendDueRefunds(options)
  t.match(await fixture.read(id), { status: 'FAILED', railDetail: /taken the payment back/ })
  t.equal(rail.sent.length, 0)
  await t.rejects(fixture.approve(id), { code: 'REFUND_EXCEEDS_PAID' })
})

t.test('a rail account that cannot be used keeps its refunds, for a human to see', async (t) => {
  const fixture = await refundFixture(t)
  const id = await fixture.approved((await fixture.paid()).settlementId)
  const none = { ...fixture.rail.railAccounts, get: () => Promise.resolve(null) }
  await sendDueRefunds({ ...fixture.options, railAccounts: none })
  t.match(await fixture.read(id), { status: 'APPROVED', needsHuman: true })
  fixture.environment.advance(2 * minute)
  await sendDueRefunds(fixture.options)
  t.match(await fixture.read(id), { status: 'DONE', needsHuman: false })
})

class Killed extends Error {}

/** The same database for a process that dies at its n-th transaction: before it begins, before its commit, or just after. */
function dyingDatabase(database: Database, at: number, when: 'before' | 'uncommitted' | 'after'): Database {
  let count = 0
  return {
    ...database,
    async transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
      count += 1
      if (count !== at) return await database.transaction(work)
      if (when === 'before') throw new Killed()
      await database.transaction(async (tx) => {
        await work(tx)
        if (when === 'uncommitted') throw new Killed()
      })
      throw new Killed()
    },
  }
}

/** Where the process dies, and what the rail has moved by then. Its transactions: SENT, then the answer. */
const boundaries: readonly (readonly [
  name: string,
  moved: number,
  at: { transaction: number; when: 'before' | 'uncommitted' | 'after' } | 'dieBefore' | 'dieAfter',
])[] = [
  ['between the claim and SENT', 0, { transaction: 1, when: 'before' }],
  ['while SENT is written', 0, { transaction: 1, when: 'uncommitted' }],
  ['between SENT and the call', 0, { transaction: 1, when: 'after' }],
  ['in the call, before the rail acts', 0, 'dieBefore'],
  ['in the call, after the rail acted', 1, 'dieAfter'],
  ['between the answer and its record', 1, { transaction: 2, when: 'before' }],
  ['while the answer is written', 1, { transaction: 2, when: 'uncommitted' }],
  ['just after the answer is on record', 1, { transaction: 2, when: 'after' }],
]

for (const [name, moved, at] of boundaries) {
  t.test(`a process that dies ${name}: the money moves once, and the books know it`, async (t) => {
    const fixture = await refundFixture(t)
    const { rail, options, environment, database } = fixture
    const { invoice, settlementId } = await fixture.paid()
    const id = await fixture.approved(settlementId)
    if (typeof at === 'string') {
      rail.next(at)
      void sendDueRefunds(options)
      while (rail.hanging === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    } else {
      await sendDueRefunds({ ...options, database: dyingDatabase(database, at.transaction, at.when) })
    }
    t.equal(rail.moved.length, moved)

    // Others look at once, after the lease, and on the schedule.
    await watchRefunds(options)
    t.equal(rail.sent.length <= 1, true, 'not sent again while the dead process may still be at it')
    for (const wait of [11 * minute, minute, 10 * minute, 60 * minute, 4 * day]) {
      environment.advance(wait)
      await watchRefunds(options)
    }
    const found = await fixture.read(id)
    if (found.status === 'UNKNOWN') {
      t.equal(rail.moved.length, 0, 'only where the rail knows nothing')
      t.ok(found.needsHuman)
      await fixture.end(id, 'FAILED')
      await fixture.approve(id)
      await watchRefunds(options)
    }
    t.match(await fixture.read(id), { status: 'DONE' })
    t.equal(rail.moved.length, 1)
    t.match(await database.query('SELECT status FROM invoices WHERE id = $1', [invoice.id]), [{ status: 'REFUNDED' }])
    t.match(await database.query(`SELECT count(*)::int AS n FROM ledger_transactions WHERE kind = 'REFUND'`, []), [
      { n: 1 },
    ])
    t.match(await database.query(`SELECT count(*)::int AS n FROM events WHERE type = 'invoice.refunded'`, []), [
      { n: 1 },
    ])
    t.equal(await ledgerSum(database), 0n)
  })
}

/** Sends, and keeps the rail's answer back until told. */
async function slowly({ rail, options }: RefundFixture): Promise<() => Promise<void>> {
  let answerNow = (): void => {}
  const slow = new Promise<void>((resolve) => {
    answerNow = resolve
  })
  const call: RefundRailOptions['call'] = async (asked) => {
    const answer = await rail.call(asked)
    await slow
    return answer
  }
  const before = rail.sent.length
  const sending = sendDueRefunds({ ...options, call })
  while (rail.sent.length === before) await new Promise((resolve) => setTimeout(resolve, 5))
  return async () => {
    answerNow()
    await sending
  }
}

t.test('an answer that comes after the lease is over still counts, once', async (t) => {
  const fixture = await refundFixture(t)
  const { options, environment } = fixture
  const id = await fixture.approved((await fixture.paid()).settlementId)
  const answer = await slowly(fixture)
  environment.advance(11 * minute)
  t.equal(await findLost(options), 1)
  t.match(await fixture.read(id), { status: 'UNKNOWN' })
  await answer()
  t.match(await fixture.read(id), { status: 'DONE' })
  environment.advance(minute)
  await watchRefunds(options)
  t.same(await stepsOf(fixture, id), ['open', 'approve', 'send', 'lose', 'done'])
})

t.test('"done" after two officers said failed: booked while its money is free, else shown to a human', async (t) => {
  for (const meanwhile of ['nothing', 'another took the money', 'sent again'] as const) {
    const fixture = await refundFixture(t, { rail: { inquiry: false } })
    const { options, environment, rail, database } = fixture
    const { settlementId } = await fixture.paid()
    const id = await fixture.approved(settlementId)
    const answer = await slowly(fixture)
    environment.advance(11 * minute)
    await findLost(options)
    await fixture.end(id, 'FAILED')
    if (meanwhile === 'another took the money') await fixture.ask(settlementId)
    if (meanwhile === 'sent again') {
      await fixture.approve(id)
      rail.next('refused')
      await sendDueRefunds(options)
    }
    await answer()
    const refund = await fixture.read(id)
    if (meanwhile === 'nothing') t.match(refund, { status: 'DONE', needsHuman: false })
    else t.match(refund, { status: 'FAILED', needsHuman: true, railDetail: /done after all/ }, meanwhile)
    const [{ n } = { n: 0 }] = await database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM journal_entries WHERE kind = 'refund.contradicted'`,
      [],
    )
    t.equal(n, meanwhile === 'nothing' ? 0 : 1, meanwhile)
  }
})
