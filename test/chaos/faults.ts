/** What is done to the parts while payments go on, as a table: each fault, what it must not break, and how it is undone. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../simulation/engine/random.ts'
import { bankRails } from './bank-process.ts'
import type { Door, DoorMode } from './door.ts'
import type { Replica } from './replicas.ts'
import type { Stage } from './stage.ts'

type Heal = () => Promise<void>

export type Fault = {
  readonly name: string
  /** Two faults at once never hit the same part. */
  readonly part: 'gateway' | 'postgres' | 'redis' | 'bank' | 'dossier' | 'portal'
  readonly promise: string
  /** Why it cannot be tried on this machine; null when it can. Left out: it always can. */
  readonly impossible?: (stage: Stage) => string | null
  /** Whether it has a place in what runs now. Left out: always. */
  readonly fits?: (stage: Stage) => boolean
  /** Does the harm; the answer undoes it. */
  readonly hurt: (stage: Stage, random: Random) => Promise<Heal>
}

const nothing: Heal = () => Promise.resolve()
const isSingle = ({ redisKind }: Stage): boolean => redisKind === 'server'
const isCluster = ({ redisKind }: Stage): boolean => redisKind === 'cluster'

function replicaOf({ replicas }: Stage, random: Random): Replica {
  return random.pick(replicas)
}

function behind(doorOf: (stage: Stage, random: Random) => readonly Door[], mode: DoorMode): Fault['hurt'] {
  return async (stage, random) => {
    const doors = doorOf(stage, random)
    for (const door of doors) door.set(mode)
    return async () => {
      for (const door of doors) door.set('open')
    }
  }
}

const doorFaults: readonly (readonly [mode: DoorMode, name: string])[] = [
  ['cut', 'cut'],
  ['stall', 'stands still'],
  ['slow', 'slow'],
  ['lose-answers', 'answers lost after the effect'],
]

type DoorPlace = {
  readonly name: string
  readonly part: Fault['part']
  readonly promise: string
  readonly doors: (stage: Stage, random: Random) => readonly Door[]
  readonly fits?: Fault['fits']
}

const places: readonly DoorPlace[] = [
  {
    name: 'gateway → PostgreSQL',
    part: 'postgres',
    promise: 'no acknowledgement without a commit; what is in doubt is asked again',
    doors: ({ doors }) => [doors.database],
  },
  {
    name: 'gateway → Redis',
    part: 'redis',
    promise: 'costs speed only; repeats stay repeats',
    doors: ({ doors }) => [doors.redis],
    fits: isSingle,
  },
  {
    name: 'bank → gateway',
    part: 'bank',
    promise: 'the bank calls again; its money is booked once',
    doors: ({ doors }) => [doors.callbacks],
  },
  {
    name: 'gateway → bank',
    part: 'bank',
    promise: 'an attempt without an answer is unknown, never failed; a payer can begin again',
    doors: ({ doors }, random) => [doors.banks[random.pick(bankRails)]],
  },
  {
    name: 'gateway → dossier system',
    part: 'dossier',
    promise: 'every event is heard, once in effect and in order',
    doors: ({ doors }, random) => [random.pick(doors.dossiers)],
  },
  {
    name: 'portal → gateway',
    part: 'portal',
    promise: 'the same key gives the same answer and does the work once',
    doors: ({ doors }) => [doors.front],
  },
]

export const faults: readonly Fault[] = [
  {
    name: 'gateway killed (-9)',
    part: 'gateway',
    promise: 'what was acknowledged is in the books; what was not is asked again',
    hurt: async (stage, random) => {
      replicaOf(stage, random).signal('SIGKILL')
      return nothing
    },
  },
  {
    name: 'every gateway killed (-9)',
    part: 'gateway',
    promise: 'the same, with nobody left to take over',
    fits: isCluster,
    hurt: async ({ replicas }) => {
      for (const replica of replicas) replica.signal('SIGKILL')
      return nothing
    },
  },
  {
    name: 'gateway stopped for seconds (SIGSTOP)',
    part: 'gateway',
    promise: 'leases and locks of a sleeper do not make work be done twice',
    hurt: async (stage, random) => {
      const replica = replicaOf(stage, random)
      replica.signal('SIGSTOP')
      return async () => replica.signal('SIGCONT')
    },
  },
  {
    name: 'gateway replaced (SIGTERM)',
    part: 'gateway',
    promise: 'ends what is under way before it goes',
    hurt: async (stage, random) => {
      replicaOf(stage, random).signal('SIGTERM')
      return nothing
    },
  },
  {
    name: 'PostgreSQL killed (-9)',
    part: 'postgres',
    promise: 'every acknowledged commit is there after its recovery',
    hurt: async ({ postgres }) => {
      const { primary } = postgres
      primary.kill()
      await primary.gone()
      return () => primary.start()
    },
  },
  {
    name: 'PostgreSQL restarted (immediate)',
    part: 'postgres',
    promise: 'every acknowledged commit is there after its recovery',
    hurt: async ({ postgres }) => {
      await postgres.primary.restartImmediately()
      return nothing
    },
  },
  {
    name: 'PostgreSQL stopped for seconds (SIGSTOP)',
    part: 'postgres',
    promise: 'callers are told to come again; nothing is acknowledged meanwhile',
    hurt: async ({ postgres }) => {
      const { primary } = postgres
      primary.signalAll('SIGSTOP')
      return async () => primary.signalAll('SIGCONT')
    },
  },
  {
    name: 'PostgreSQL disk full',
    part: 'postgres',
    promise: 'nothing is acknowledged that could not be written',
    impossible: ({ postgres }) => (postgres.primary.disk === null ? 'this machine lets us mount no small disk' : null),
    hurt: async ({ postgres }) => {
      const { primary } = postgres
      const ballast = join(primary.disk ?? '', 'ballast')
      fill(ballast)
      return async () => {
        rmSync(ballast, { force: true })
        await primary.start()
      }
    },
  },
  {
    name: 'synchronous standby killed (-9)',
    part: 'postgres',
    promise: 'commits wait for it rather than stand on one disk',
    hurt: async ({ postgres }) => {
      const { standby } = postgres
      standby.signalAll('SIGKILL')
      await standby.gone()
      return () => standby.start()
    },
  },
  {
    name: 'primary lost, synchronous standby promoted',
    part: 'postgres',
    promise: 'every acknowledged commit is on the standby',
    hurt: async ({ postgres, doors }) => {
      await postgres.failOver()
      doors.database.cut()
      return () => postgres.rebuild()
    },
  },
  {
    name: 'Redis killed (-9)',
    part: 'redis',
    promise: 'costs speed only; repeats stay repeats',
    fits: isSingle,
    hurt: async ({ redis }) => {
      await redis.kill()
      return () => redis.start()
    },
  },
  {
    name: 'Redis stopped for seconds (SIGSTOP)',
    part: 'redis',
    promise: 'costs speed only; repeats stay repeats',
    fits: isSingle,
    hurt: async ({ redis }) => {
      process.kill(redis.pid, 'SIGSTOP')
      return async () => void process.kill(redis.pid, 'SIGCONT')
    },
  },
  {
    name: 'Redis Cluster: master killed (-9)',
    part: 'redis',
    promise: 'costs speed only, until its replica takes over and after',
    fits: isCluster,
    hurt: async ({ cluster }, random) => {
      const lost = random.pick(await cluster.masters())
      await lost.kill()
      return async () => {
        await cluster.settled()
        await lost.start()
      }
    },
  },
  {
    name: 'Redis Cluster: master stopped for seconds (SIGSTOP)',
    part: 'redis',
    promise: 'costs speed only, until its replica takes over and after',
    fits: isCluster,
    hurt: async ({ cluster }, random) => {
      const { pid } = random.pick(await cluster.masters())
      process.kill(pid, 'SIGSTOP')
      return async () => {
        process.kill(pid, 'SIGCONT')
        await cluster.settled()
      }
    },
  },
  {
    name: 'banks stopped for seconds (SIGSTOP)',
    part: 'bank',
    promise: 'an attempt without an answer is unknown, never failed',
    hurt: async ({ banks }) => {
      banks.signal('SIGSTOP')
      return async () => banks.signal('SIGCONT')
    },
  },
  {
    name: 'dossier system fails after taking the event',
    part: 'dossier',
    promise: 'it hears the same event again, under the same id',
    hurt: async ({ dossiers }, random) => {
      const one = random.pick(dossiers)
      one.failsAfter = true
      return async () => {
        one.failsAfter = false
      }
    },
  },
  ...places.flatMap(({ name, part, promise, doors, fits }) =>
    doorFaults.map(
      ([mode, told]): Fault => ({
        name: `${name}: ${told}`,
        part,
        promise,
        ...(fits === undefined ? {} : { fits }),
        hurt: behind(doors, mode),
      }),
    ),
  ),
]

/** Until nothing more goes on the disk. */
function fill(file: string): void {
  for (const size of [1024 * 1024, 8 * 1024]) {
    const block = Buffer.alloc(size)
    try {
      for (;;) writeFileSync(file, block, { flag: 'a' })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}
