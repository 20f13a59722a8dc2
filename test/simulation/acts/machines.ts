/** What befalls machines, and how parties behave. */
import type { Random } from '../engine/random.ts'
import { rails } from '../stage/rails.ts'
import type { Stage } from '../stage/stage.ts'

export function misbehave({ banks, world, lyingRails }: Stage, random: Random): void {
  const rail = random.pick(rails)
  if (random.chance(0.15)) {
    world.record('banks', `${rail} is away`)
    banks.away.add(banks.sandbox[rail].baseUrl)
    return
  }
  const bad = random.pick([
    { duplicate: true },
    { outOfOrder: true },
    { wrongAmount: true },
    { badSignature: true },
    { answer500: true },
    { timeoutAfterEffect: true },
    { callbacksLost: true },
    { clockSkewMs: random.pick([-240_000, 120_000, 240_000]) },
  ])
  world.record('banks', `${rail} ${JSON.stringify(bad)}`)
  if ('wrongAmount' in bad) lyingRails.add(rail)
  banks.sandbox[rail].behaviour.misbehave(bad)
}

export function changeDossiers({ dossiers, world }: Stage, random: Random): void {
  dossiers.mode = random.pick(['well', 'well', 'away', 'failing', 'failing-after'] as const)
  world.record('dossiers', dossiers.mode)
}

export async function killGateway({ replicas, world }: Stage, random: Random): Promise<void> {
  const replica = replicas.living[random.below(Math.max(1, replicas.living.length))]
  if (replica !== undefined) await world.crash(replica.host)
}

export function changeRedis({ redis, world }: Stage, random: Random): void {
  redis.state = random.pick(['up', 'up', 'down', 'stalled'] as const)
  world.record('redis', redis.state)
}

export async function restartDatabase({ postgres, world, outside }: Stage, random: Random): Promise<void> {
  world.record('postgres', 'restarts')
  await postgres.stop()
  world.at(outside, world.now + random.pick([500, 3_000, 20_000]), () => postgres.start())
}

export function skewClock({ replicas, world }: Stage, random: Random): void {
  const replica = replicas.living[random.below(Math.max(1, replicas.living.length))]
  if (replica === undefined) return
  replica.host.skewMs = random.pick([0, -2_000, 1_500, 30_000])
  world.record(replica.host.name, `clock off by ${replica.host.skewMs} ms`)
}

const day = 24 * 60 * 60 * 1000
const shortWaits = [1_000, 5_000, 20_000, 61_000, 5 * 60_000]

/** Of Viet Nam, where a business day ends. */
function untilMidnight(now: number): number {
  return day - ((now + 7 * 60 * 60_000) % day)
}

export function letTimePass({ world }: Stage, random: Random): void {
  const ms = random.chance(0.1)
    ? untilMidnight(world.now) + random.pick([-1_000, 1_000, 60_000, 5 * 60 * 60_000])
    : random.pick([...shortWaits, ...shortWaits, ...shortWaits, 17 * 60_000, 2 * 60 * 60_000, day, 3 * day])
  world.record('time', `goes on by ${ms / 1000} s`)
  world.advance(Math.max(0, ms))
}

/** Until the officers' desks open, when yesterday's statements may be expected. */
export function passNight({ world }: Stage, random: Random): void {
  const ms = untilMidnight(world.now) + 7 * 60 * 60_000 + random.below(60 * 60_000)
  world.record('time', `a night passes: ${ms / 1000} s`)
  world.advance(ms)
}

export function behave({ banks }: Stage): void {
  banks.away.clear()
  for (const rail of rails) banks.sandbox[rail].behaviour.behave()
}
