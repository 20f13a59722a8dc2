/** Refunds of every rail that makes them, from the adapter to the partner's books and back, on good days and on bad ones. */
import t, { type Test } from 'tap'
import type { RefundOrder, RefundResult } from '../../adapters/contract.ts'
import type { Misbehaviour } from '../../src/sandbox/behaviour.ts'
import { makeContext } from '../../src/sandbox/context.ts'
import type { RailName } from '../../src/sandbox/rail-list.ts'
import { type AdapterSide, adapterSide } from './adapter-side.ts'
import { configOf, type Drill, drillRows } from './drills.ts'
import { type HandTimers, handTimers } from './hand-timers.ts'

type RefundRow = {
  readonly name: RailName
  /** What a rail answers to a refund it takes. */
  readonly first: 'done' | 'accepted'
  readonly signsAnswers: boolean
  readonly namesAmounts: boolean
}

const rows: readonly RefundRow[] = [
  { name: 'vnpay', first: 'accepted', signsAnswers: true, namesAmounts: true },
  { name: 'onepay', first: 'accepted', signsAnswers: true, namesAmounts: true },
  { name: 'napas', first: 'done', signsAnswers: true, namesAmounts: true },
  { name: 'momo', first: 'done', signsAnswers: false, namesAmounts: true },
  { name: 'zalopay', first: 'accepted', signsAnswers: false, namesAmounts: false },
]

type Paid = {
  readonly drill: Drill
  readonly side: AdapterSide
  readonly timers: HandTimers
  order(amount: bigint, id?: string): RefundOrder
  books(): readonly bigint[]
}

const paidAmount = 150_000n
let ids = 0

/** A payment of 150,000 VND that the gateway has heard of. */
async function paid(t: Test, { name }: RefundRow): Promise<Paid> {
  const row = drillRows.find((candidate) => candidate.name === name)
  if (row === undefined) throw new Error(`no drill for ${name}`)
  const timers = handTimers()
  const drill = await row.open(makeContext({ timers, clock: timers.clock }))
  t.teardown(() => drill.partner.close())
  const side = await adapterSide(t, row.rail, configOf(row.name, drill.partner), timers.clock)
  drill.partner.callbackUrl = side.callbackUrl
  const started = await drill.begin(side)
  await drill.pay(started, 'success')
  const reading = side.arrived[0]?.reading
  if (reading?.kind !== 'outcome') throw new Error('the payment was not told of')
  const { railTransactionId } = reading.outcome
  return {
    ...{ drill, side, timers },
    order: (amount, id = `ref_01m7vn6s40${String(++ids).padStart(16, '0')}`) => ({
      ...{ refundId: id, railTransactionId, paidAmount, amount, reason: 'Nộp trùng', operator: 'ketoantruong' },
      attempt: { ...started.attempt, railTransactionId },
    }),
    books: () => drill.refunds?.() ?? [],
  }
}

/** The refund's end: at once, or when the rail has worked on it. */
async function end({ side, timers }: Paid, order: RefundOrder, given: RefundResult): Promise<RefundResult> {
  if (given.kind !== 'accepted') return given
  timers.advance(30_000)
  return await side.inquireRefund(order)
}

/** From the call of the refund itself on; NAPAS asks for a token first. */
function disturbRefund({ drill, side }: Paid, change: Partial<Misbehaviour>): void {
  side.beforeCall = ({ url }) => {
    if (!url.endsWith('/oauth/token')) drill.partner.behaviour.misbehave(change)
  }
}

function calm({ drill, side }: Paid): void {
  side.beforeCall = () => undefined
  drill.partner.behaviour.behave()
}

for (const row of rows) {
  t.test(`${row.name}: a part is given back, then the rest, and asking tells that it is done`, async (t) => {
    const payment = await paid(t, row)
    for (const amount of [50_000n, 100_000n]) {
      const order = payment.order(amount)
      const given = await payment.side.refund(order)
      t.match(given, { kind: row.first, railRefundId: /./ })
      if (row.first === 'accepted') t.match(await payment.side.inquireRefund(order), { kind: 'accepted' })
      t.match(await end(payment, order, given), { kind: 'done' })
    }
    t.same(payment.books(), [50_000n, 100_000n])
  })

  t.test(`${row.name}: the whole is given back at once`, async (t) => {
    const payment = await paid(t, row)
    const order = payment.order(paidAmount)
    t.match(await end(payment, order, await payment.side.refund(order)), { kind: 'done' })
    t.same(payment.books(), [paidAmount])
  })

  t.test(`${row.name}: more than was paid is refused and books nothing`, async (t) => {
    const payment = await paid(t, row)
    const part = payment.order(50_000n)
    await end(payment, part, await payment.side.refund(part))
    t.match(await payment.side.refund(payment.order(100_001n)), { kind: 'refused', railCode: /./ })
    t.same(payment.books(), [50_000n])
  })

  t.test(`${row.name}: the same refund sent twice is made once`, async (t) => {
    const payment = await paid(t, row)
    const order = payment.order(50_000n)
    const given = await payment.side.refund(order)
    const again = await payment.side.refund(order)
    t.ok(['done', 'accepted', 'unknown'].includes(again.kind), again.kind)
    t.match(await end(payment, order, given), { kind: 'done' })
    t.same(payment.books(), [50_000n])
  })

  t.test(`${row.name}: a refund whose answer never came is found by asking`, async (t) => {
    const payment = await paid(t, row)
    const order = payment.order(50_000n)
    disturbRefund(payment, { timeoutAfterEffect: true })
    payment.side.patienceMs = 300
    await t.rejects(payment.side.refund(order), { code: 'HTTP_CALL_FAILED' })
    calm(payment)
    payment.side.patienceMs = 5_000
    t.match(await end(payment, order, await payment.side.inquireRefund(order)), { kind: 'done' })
    t.same(payment.books(), [50_000n])
  })

  t.test(`${row.name}: an answer of 500 leaves the refund unknown, and nothing is booked`, async (t) => {
    const payment = await paid(t, row)
    disturbRefund(payment, { answer500: true })
    t.match(await payment.side.refund(payment.order(50_000n)), { kind: 'unknown' })
    t.same(payment.books(), [])
  })

  t.test(`${row.name}: an answer that is wrongly signed is not believed where answers are signed`, async (t) => {
    const payment = await paid(t, row)
    const order = payment.order(50_000n)
    disturbRefund(payment, { badSignature: true })
    const given = await payment.side.refund(order)
    t.match(given, { kind: row.signsAnswers ? 'unknown' : row.first })
    calm(payment)
    t.match(await end(payment, order, await payment.side.inquireRefund(order)), { kind: 'done' })
  })

  t.test(`${row.name}: an answer about another amount is not believed where amounts are named`, async (t) => {
    const payment = await paid(t, row)
    disturbRefund(payment, { wrongAmount: true })
    const given = await payment.side.refund(payment.order(50_000n))
    t.match(given, { kind: row.namesAmounts ? 'unknown' : row.first })
  })
}
