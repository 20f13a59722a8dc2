/** Every switch at every partner: the adapter before it must see what the switch promises, and the partner must know the right answer to it. */
import t, { type Test } from 'tap'
import { makeContext } from '../../src/sandbox/context.ts'
import { type AdapterSide, adapterSide } from './adapter-side.ts'
import { configOf, type Drill, type DrillRow, drillRows, until } from './drills.ts'
import { eventually, type HandTimers, handTimers } from './hand-timers.ts'

type Open = { readonly drill: Drill; readonly side: AdapterSide; readonly timers: HandTimers }

async function open(t: Test, row: DrillRow): Promise<Open> {
  const timers = handTimers()
  const drill = await row.open(makeContext({ timers, clock: timers.clock }))
  t.teardown(() => drill.partner.close())
  const side = await adapterSide(t, row.rail, configOf(row.name, drill.partner), timers.clock)
  drill.partner.callbackUrl = side.callbackUrl
  return { drill, side, timers }
}

for (const row of drillRows) {
  t.test(`${row.name}: well-behaved, a payment is told once and the answer is the one expected`, async (t) => {
    const { drill, side } = await open(t, row)
    const started = await drill.begin(side)
    t.match(await drill.pay(started, 'success'), [{ asExpected: true, next: 'stop' }])
    t.equal(side.arrived.length, 1)
    t.match(side.arrived, [{ reading: { kind: 'outcome', outcome: { kind: 'succeeded', amount: 150_000n } } }])
  })

  t.test(`${row.name}: a tampered callback is refused, and the partner expects no less`, async (t) => {
    const { drill, side } = await open(t, row)
    t.match(await drill.pay(await drill.begin(side), 'tampered'), [{ asExpected: true, next: /stop|give up/ }])
    t.match(side.arrived, [{ reading: { kind: 'refused', reason: /^(signature|auth)$/ } }])
  })

  t.test(`${row.name}: slow, an answer comes only after its wait`, async (t) => {
    const { drill, side, timers } = await open(t, row)
    drill.partner.behaviour.misbehave({ slowMs: 7_000 })
    let answered: string | null = null
    const touching = drill.touch(side).then((given) => {
      answered = given
    })
    let waits = 0
    while (answered === null) {
      await eventually(() => answered !== null || timers.due().includes(7_000))
      if (answered !== null) break
      waits += 1
      timers.advance(7_000)
    }
    await touching
    t.equal(answered, 'answered')
    t.ok(waits > 0)
  })

  t.test(`${row.name}: answer500, nothing is done`, async (t) => {
    const { drill, side } = await open(t, row)
    drill.partner.behaviour.misbehave({ answer500: true })
    t.equal(await drill.touch(side), 'refused')
    t.equal(drill.effects(), 0)
    drill.partner.behaviour.behave()
    t.equal(await drill.touch(side), 'answered')
    t.equal(drill.effects(), 1)
  })

  t.test(`${row.name}: timeoutAfterEffect, no answer comes and the effect is there`, async (t) => {
    const { drill, side } = await open(t, row)
    drill.partner.behaviour.misbehave({ timeoutAfterEffect: true })
    side.patienceMs = 300
    t.equal(await drill.touch(side), 'silent')
    t.equal(drill.effects(), 1)
  })

  t.test(`${row.name}: callbacksLost, nothing arrives until a later call does`, async (t) => {
    const { drill, side } = await open(t, row)
    drill.partner.behaviour.misbehave({ callbacksLost: true })
    const acks = await drill.pay(await drill.begin(side), 'success')
    t.match(acks, [{ status: null, meaning: 'lost on the way', next: 'call again' }])
    t.equal(side.arrived.length, 0)
    drill.partner.behaviour.behave()
    await drill.partner.notifier.retryNow()
    t.match(side.arrived, [{ reading: { kind: 'outcome', outcome: { kind: 'succeeded' } } }])
    t.match(drill.partner.callbacks, [{ state: 'acknowledged' }])
  })

  t.test(`${row.name}: duplicate, the same transaction comes twice at once`, async (t) => {
    const { drill, side } = await open(t, row)
    drill.partner.behaviour.misbehave({ duplicate: true })
    const acks = await drill.pay(await drill.begin(side), 'success')
    t.match(acks, [{ asExpected: true }, { asExpected: true }])
    const ids = side.arrived.map(({ reading }) => reading.kind === 'outcome' && reading.outcome.railTransactionId)
    t.equal(ids.length, 2)
    t.equal(ids[0], ids[1])
  })

  t.test(`${row.name}: outOfOrder, the callback of the second payment comes before that of the first`, async (t) => {
    const { drill, side } = await open(t, row)
    drill.partner.behaviour.misbehave({ outOfOrder: true })
    const [first, second] = [await drill.begin(side), await drill.begin(side)]
    t.same(await drill.pay(first, 'success'), [])
    t.equal(side.arrived.length, 0)
    await drill.pay(second, 'success')
    await until(side, 2)
    t.same(
      side.arrived.map(({ reading }) => reading.kind === 'outcome' && reading.outcome.merchantRef),
      [second.attempt.merchantRef, first.attempt.merchantRef],
    )
  })

  t.test(`${row.name}: wrongAmount, the callback names 1,000 VND more under a good signature`, async (t) => {
    const { drill, side } = await open(t, row)
    drill.partner.behaviour.misbehave({ wrongAmount: true })
    t.match(await drill.pay(await drill.begin(side), 'success'), [{ asExpected: true }])
    t.match(side.arrived, [{ reading: { kind: 'outcome', outcome: { kind: 'succeeded', amount: 151_000n } } }])
  })

  t.test(`${row.name}: badSignature, the callback is refused and changes nothing`, async (t) => {
    const { drill, side } = await open(t, row)
    const started = await drill.begin(side)
    drill.partner.behaviour.misbehave({ badSignature: true })
    t.match(await drill.pay(started, 'success'), [{ asExpected: true }])
    t.match(side.arrived, [{ reading: { kind: 'refused', reason: /^(signature|auth)$/ } }])
  })

  t.test(`${row.name}: clockSkewMs, the partner's clock is ${row.skew}`, async (t) => {
    const { drill, side, timers } = await open(t, row)
    const skewMs = 10 * 60_000
    drill.partner.behaviour.misbehave({ clockSkewMs: skewMs })
    await drill.pay(await drill.begin(side), 'success')
    const [arrived] = side.arrived
    if (arrived === undefined) throw new Error('nothing arrived')
    if (row.skew === 'stale') {
      t.match(arrived.reading, { kind: 'refused', reason: 'stale' })
      return
    }
    t.match(arrived.reading, { kind: 'outcome', outcome: { kind: 'succeeded', amount: 150_000n } })
    const told = row.toldTime(arrived)
    const skewed = new Date(timers.clock.now().getTime() + skewMs)
    t.same(told, row.skew === 'told' ? skewed : null)
  })
}

t.test('a switch that is turned back leaves no trace', async (t) => {
  const [row] = drillRows
  if (row === undefined) throw new Error('no rows')
  const { drill, side } = await open(t, row)
  drill.partner.behaviour.misbehave({ badSignature: true, wrongAmount: true, duplicate: true, clockSkewMs: 5 })
  drill.partner.behaviour.behave()
  t.match(await drill.pay(await drill.begin(side), 'success'), [{ asExpected: true }])
  t.equal(side.arrived.length, 1)
})
