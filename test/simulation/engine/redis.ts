/** Redis as replicas see it: a real server whose every command is let through by the world, and whose keys age with its clock. */
import type { Redis } from 'ioredis'
import type { Fault, Host, World } from './world.ts'

export class SimulatedRedis {
  /** Stalled: commands reach nobody and end by their time limit. */
  state: 'up' | 'down' | 'stalled' = 'up'

  private readonly world: World
  private readonly real: Redis
  /** When keys end by the world's clock: the real server keeps them until they are taken away. */
  private readonly deadlines = new Map<string, number>()

  constructor(world: World, real: Redis) {
    this.world = world
    this.real = real
  }

  /** What a replica is given for its connection. */
  clientFor(host: Host): Redis {
    return new Proxy(this.real, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function' || typeof name !== 'string') return member
        return (...values: unknown[]) =>
          this.command(host, name, keyOf(name, values), () => Reflect.apply(member, target, values))
      },
    })
  }

  async flush(): Promise<void> {
    this.deadlines.clear()
    await this.real.flushdb()
  }

  /** A life that a command has just given a key becomes the world's: real time ends nothing. */
  private async keep(key: string): Promise<void> {
    const leftMs = await this.real.pttl(key)
    if (leftMs < 0) return
    await this.real.persist(key)
    this.deadlines.set(key, this.world.now + Math.ceil(leftMs / 1000) * 1000)
  }

  private async expire(): Promise<void> {
    const over = [...this.deadlines].flatMap(([key, at]) => (at <= this.world.now ? [key] : []))
    for (const key of over) this.deadlines.delete(key)
    if (over.length > 0) await this.real.del(...over)
  }

  private command(host: Host, name: string, key: string | null, run: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const perform = async (fault: Fault | null): Promise<() => void> => {
        if (this.state === 'down') return () => reject(new Error('Connection is closed.'))
        if (this.state === 'stalled') {
          return () => {
            this.world.at(host, this.world.now + commandTimeoutMs, () => reject(new Error('Command timed out')))
          }
        }
        if (fault === 'lost-before') return () => reject(new Error('Connection is closed.'))
        try {
          await this.expire()
          const value = await run()
          if (key !== null) await this.keep(key)
          if (fault === 'lost-after') return () => reject(new Error('Command timed out'))
          return () => resolve(value)
        } catch (error) {
          return () => reject(error)
        }
      }
      this.world.io(host, 'redis', `redis ${name}`, perform)
    })
  }
}

/** Every command of the gateway is a script over one key. */
function keyOf(name: string, values: readonly unknown[]): string | null {
  return name === 'eval' && values[1] === 1 ? String(values[2]) : null
}

/** As connectRedis sets it. */
const commandTimeoutMs = 250
