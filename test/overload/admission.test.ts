/** The decision alone: who is let in, who waits, who is sent away. */
import fc from 'fast-check'
import t from 'tap'
import {
  type Admission,
  createAdmission,
  type Kind,
  type OverloadLimits,
  type Ticket,
} from '../../src/overload/admission.ts'

const limits: OverloadLimits = { inFlight: 4, bankReserve: 2, waiting: 4, maxWaitMs: 1_000, maxLoopDelayMs: 500 }

function desk(over: Partial<OverloadLimits> = {}) {
  const admission = createAdmission({ ...limits, ...over })
  /** What was decided, in order: `+` let in, `-` sent away. */
  const told: string[] = []
  const tickets = new Map<string, Ticket>()
  return {
    admission,
    told,
    arrive(name: string, kind: Kind = 'other', key = name.slice(0, 1), nowMs = 0, loopDelayMs = 0): void {
      const ticket: Ticket = {
        kind,
        key,
        admit: () => void told.push(`+${name}`),
        refuse: (reason) => void told.push(`-${name} ${reason}`),
      }
      tickets.set(name, ticket)
      admission.arrive(ticket, nowMs, loopDelayMs)
    },
    leave(name: string): void {
      const ticket = tickets.get(name)
      if (ticket !== undefined) admission.leave(ticket)
    },
  }
}

t.test('while there is room everybody is let in at once', async (t) => {
  const { arrive, told, admission } = desk()
  for (const name of ['a1', 'a2', 'b1', 'b2']) arrive(name)
  t.same(told, ['+a1', '+a2', '+b1', '+b2'])
  t.equal(admission.inFlight('other'), 4)
})

t.test('one caller alone holds at most half of the places, and others find one at once', async (t) => {
  const { arrive, leave, told } = desk()
  for (const name of ['a1', 'a2', 'a3', 'a4']) arrive(name)
  arrive('b1')
  t.same(told, ['+a1', '+a2', '+b1'])
  leave('a1')
  t.same(told.slice(3), ['+a3'], 'its next comes when one of its own has gone')
})

t.test('those who wait are served in turns of their callers, not of their crowds', async (t) => {
  const { arrive, leave, told } = desk({ waiting: 10 })
  for (const name of ['a1', 'a2', 'b1', 'b2']) arrive(name)
  for (const name of ['a3', 'a4', 'a5', 'c1', 'd1']) arrive(name)
  told.length = 0
  for (const name of ['a1', 'b1', 'a2', 'b2']) leave(name)
  t.same(told, ['+a3', '+c1', '+d1', '+a4'])
})

t.test('when the room is full the newest of the longest line goes, whoever came last', async (t) => {
  const { arrive, told } = desk()
  for (const name of ['a1', 'a2', 'b1', 'b2', 'a3', 'a4', 'a5', 'a6']) arrive(name)
  told.length = 0
  arrive('c1')
  t.same(told, ['-a6 full'], 'the newcomer with little keeps its place')
  arrive('a7')
  t.same(told.slice(1), ['-a7 full'], 'the crowd loses its own')
})

t.test('banks have places of their own, take free places of others, and are served first', async (t) => {
  const { arrive, leave, told } = desk()
  for (const name of ['a1', 'a2', 'b1', 'b2']) arrive(name)
  arrive('c1')
  arrive('x1', 'bank')
  arrive('x2', 'bank')
  arrive('x3', 'bank')
  t.same(told, ['+a1', '+a2', '+b1', '+b2', '+x1', '+x2'])
  leave('a1')
  t.same(told.slice(6), ['+x3'], 'before the portal that came earlier')
  leave('x3')
  t.same(told.slice(7), ['+c1'])

  const idle = desk()
  for (let n = 0; n < 6; n++) idle.arrive(`x${n}`, 'bank')
  t.equal(idle.admission.inFlight('bank'), 6, 'all places when nobody else is there')
})

t.test('no bank is sent away while a portal waits', async (t) => {
  const { arrive, told } = desk()
  for (const name of ['a1', 'a2', 'b1', 'b2']) arrive(name)
  for (const name of ['x1', 'x2']) arrive(name, 'bank')
  for (const name of ['c1', 'c2', 'd1', 'd2']) arrive(name)
  told.length = 0
  for (const name of ['x3', 'x4', 'x5', 'x6']) arrive(name, 'bank')
  t.same(told.map((line) => line.slice(1, 2)).sort(), ['c', 'c', 'd', 'd'])
  arrive('x7', 'bank')
  t.same(told.slice(4), ['-x7 full'], 'only when all who wait are banks')
})

t.test('who waited too long is sent away, who gave up is forgotten', async (t) => {
  const { arrive, leave, told, admission } = desk()
  for (const name of ['a1', 'a2', 'b1', 'b2']) arrive(name)
  arrive('c1', 'other', 'c', 100)
  arrive('d1', 'other', 'd', 500)
  told.length = 0
  admission.expire(1_099)
  t.same(told, [])
  admission.expire(1_100)
  t.same(told, ['-c1 waited'])
  leave('d1')
  t.equal(admission.waiting('other'), 0)
  leave('a1')
  t.same(told, ['-c1 waited'], 'a place that comes free calls nobody who has gone')
})

t.test('a process that is behind with its work lets banks in alone', async (t) => {
  const { arrive, told } = desk()
  arrive('a1', 'other', 'a', 0, 501)
  arrive('x1', 'bank', 'x', 0, 501)
  arrive('a2', 'other', 'a', 0, 500)
  t.same(told, ['-a1 strained', '+x1', '+a2'])
  const never = desk({ maxLoopDelayMs: 0 })
  never.arrive('a1', 'other', 'a', 0, 100_000)
  t.same(never.told, ['+a1'])
})

t.test(
  'whatever comes and goes: limits hold, everybody is answered once, and in the end nothing is left',
  async (t) => {
    const step = fc.oneof(
      fc.record({
        what: fc.constant('arrive' as const),
        kind: fc.constantFrom<Kind>('bank', 'other'),
        key: fc.constantFrom('a', 'b', 'c'),
      }),
      fc.record({ what: fc.constant('leave' as const), which: fc.nat(30) }),
      fc.record({ what: fc.constant('expire' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const admission: Admission = createAdmission(limits)
        const answers = new Map<Ticket, string[]>()
        const present: Ticket[] = []
        let now = 0
        for (const one of steps) {
          now += 100
          if (one.what === 'arrive') {
            const ticket: Ticket = {
              kind: one.kind,
              key: one.key,
              admit: () => void answers.get(ticket)?.push('in'),
              refuse: () => {
                answers.get(ticket)?.push('out')
                present.splice(present.indexOf(ticket), 1)
              },
            }
            answers.set(ticket, [])
            present.push(ticket)
            admission.arrive(ticket, now, 0)
          } else if (one.what === 'expire') admission.expire(now)
          else {
            const [gone] = present.splice(one.which % Math.max(1, present.length), 1)
            if (gone !== undefined) admission.leave(gone)
          }
          const [bank, other] = [admission.inFlight('bank'), admission.inFlight('other')]
          if (other > limits.inFlight || bank + other > limits.inFlight + limits.bankReserve) return false
          if (admission.waiting('bank') + admission.waiting('other') > limits.waiting) return false
          if (admission.waiting('bank') > 0 && bank + other < limits.inFlight + limits.bankReserve) return false
        }
        for (const ticket of [...present]) admission.leave(ticket)
        return (
          [...answers.values()].every((told) => told.length <= 1) &&
          admission.inFlight('bank') +
            admission.inFlight('other') +
            admission.waiting('bank') +
            admission.waiting('other') ===
            0
        )
      }),
    )
    t.pass()
  },
)
