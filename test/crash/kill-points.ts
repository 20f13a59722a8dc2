/**
 * Kills a process at every point at which it waits for the outside: each statement, commit, Redis command and message of one
 * operation, once just before it is done and once just after, when nobody hears of it. Then another replica starts, time
 * passes, and the invariants and the operation's own promise must hold.
 *
 * The world does one thing at a time in an order that its seed fixes, so every run is the same up to its kill.
 */
import type { Test } from 'tap'
import type { Host } from '../simulation/engine/world.ts'
import { brokenAtTheEnd } from '../simulation/invariants.ts'
import { openMachine, openServers } from '../simulation/machine.ts'
import { calm, calmWhile, closeStage, settleDown } from '../simulation/run.ts'
import type { ApiCall } from '../simulation/stage/portal.ts'
import { type Machine, openStage, type Stage } from '../simulation/stage/stage.ts'

export type Operation = {
  readonly name: string
  /** What must be there before; one replica lives and nothing fails. */
  readonly prepare: (stage: Stage) => Promise<void>
  /** Begins it. `host` is killed; `done` resolves when nobody is. */
  readonly begin: (stage: Stage) => { readonly host: Host; readonly done: Promise<unknown> }
  /** What those outside do once somebody listens again. */
  readonly afterwards?: (stage: Stage) => Promise<void>
  /** Days that pass besides, where it may take so long until a person is told. */
  readonly daysMore?: readonly number[]
  /** What it promises, as what is wrong. */
  readonly broken: (stage: Stage) => Promise<string[]>
  /** Labels that must be among its points: else the test no longer looks at what it is about. */
  readonly must: readonly RegExp[]
}

/** Every so many of the kills are done: all of them unless CRASH_EVERY says otherwise. */
const every = Number(process.env.CRASH_EVERY ?? '1')

type Kill = { readonly at: number; readonly side: 'before' | 'after' }

/** Minutes that pass afterwards: longer than every lease, the first inquiries and retries, and the life of the invoice. */
const leaps = [1, 3, 12, 61]
/** What the last of them sets off comes to its end: a refund that is done, its receipt, their seal. */
const lastLeaps = [1, 1]
const mostSteps = 5_000

export async function killEverywhere(t: Test, operation: Operation): Promise<void> {
  const { servers, close: closeServers } = await openServers()
  const { machine, close } = await openMachine(servers, 0)
  t.teardown(async () => {
    await close()
    await closeServers()
  })
  const undisturbed = await run(machine, operation, null)
  t.same(undisturbed.broken, [], 'undisturbed it does what it promises')
  for (const pattern of operation.must)
    t.ok(
      undisturbed.points.some((label) => pattern.test(label)),
      `one of its points is ${pattern.source}`,
    )
  for (const [at, label] of undisturbed.points.entries())
    for (const [sideAt, side] of (['before', 'after'] as const).entries()) {
      if ((at * 2 + sideAt) % every !== 0) continue
      const { points, broken } = await run(machine, operation, { at, side })
      t.equal(points[at], label, 'the same history up to the kill')
      t.same(broken, [], `killed ${side} ${at + 1} of ${undisturbed.points.length}: ${label}`)
    }
}

async function run(machine: Machine, operation: Operation, kill: Kill | null) {
  const stage = await openStage(`killed at ${operation.name}`, machine)
  const { world, replicas } = stage
  await replicas.start()
  // Its watchers have had their first rounds and sleep.
  await calm(stage)
  await operation.prepare(stage)
  const { host, done } = operation.begin(stage)
  const points: string[] = []
  world.faults = (_operation, on, label) => {
    if (on !== host) return null
    points.push(label)
    return kill !== null && points.length === kill.at + 1 ? `crash-${kill.side}` : null
  }
  let over = false
  void done.then(() => {
    over = true
  })
  for (let step = 0; host.alive && !over; step++) {
    if (step > mostSteps) throw new Error(`it does not end: ${world.describe()}`)
    if (!(await world.step())) world.advance(50)
  }
  world.faults = () => null
  const killed = !host.alive
  // A process that only did the one thing ends with it.
  if (!killed && !replicas.living.some((replica) => replica.host === host)) await world.crash(host)
  if (replicas.living.length === 0) await replicas.start()
  if (operation.afterwards !== undefined) await calmWhile(stage, operation.afterwards(stage))
  await settleDown(stage, [...leaps, ...(operation.daysMore ?? []).map((days) => days * 24 * 60), ...lastLeaps])
  const broken = [
    ...(kill !== null && !killed ? ['nobody was killed'] : []),
    ...(await brokenAtTheEnd(stage, machine.keys)),
    ...(await operation.broken(stage)),
  ]
  await closeStage(stage)
  return { points, broken }
}

/** All replicas die: what is left to do waits for the process under test. */
export async function killAll({ world, replicas }: Stage): Promise<void> {
  for (const { host } of [...replicas.living]) await world.crash(host)
}

/** A passport fee of 200,000, which is given back when nothing is granted. */
export function issueCall({ world }: Stage): ApiCall {
  return {
    method: 'POST',
    path: '/v1/invoices',
    key: 'issue-once',
    body: {
      dossierCode: 'H56.14-261120-0001',
      procedureCode: '1.010100',
      collectingAgencyCode: 'H56.14',
      collectionMode: 'UPFRONT',
      submitter: { name: 'Nguyễn Văn An', personalId: '001199000001' },
      items: [{ feeCode: 'passport-first' }],
      expiresAt: new Date(world.now + 60 * 60_000).toISOString(),
    },
  }
}

/** Issued, and on its way to VNPAY: where the payer goes. */
export async function startedAtVnpay(stage: Stage): Promise<string> {
  const { portal } = stage
  await calmWhile(stage, portal.issue(issueCall(stage)))
  const [invoice] = portal.invoices
  if (invoice === undefined) throw new Error('no invoice was issued')
  await calmWhile(
    stage,
    portal.start(invoice, {
      method: 'POST',
      path: `/v1/invoices/${invoice.id}/payments`,
      key: 'start-once',
      body: { railAccountId: 'vnpay-sim', payerIp: '203.0.113.7' },
    }),
  )
  const url = portal.attempts[0]?.instruction.url
  if (typeof url !== 'string') throw new Error('no attempt was started')
  return url
}

export async function paidAtVnpay(stage: Stage): Promise<void> {
  await calmWhile(stage, stage.banks.sandbox.vnpay.pay(await startedAtVnpay(stage), 'success'))
}

/** One row of the numbers asked for, held against what they should be. */
export async function expectCounts(
  { server }: Stage,
  wanted: Readonly<Record<string, readonly [sql: string, count: number]>>,
): Promise<string[]> {
  const wrong: string[] = []
  for (const [name, [sql, count]] of Object.entries(wanted)) {
    const [row] = await server.query<{ n: number }>(`SELECT count(*)::int AS n ${sql}`)
    if (row?.n !== count) wrong.push(`${name}: ${row?.n} instead of ${count}`)
  }
  return wrong
}
