/** Redis as replicas see it: a real server whose every command is let through by the world, and whose keys age with its clock. */
import type { Redis } from 'ioredis'
import type { Fault, Host, World } from './world.ts'

export class SimulatedRedis {
  /** Stalled: commands reach nobody and end by their time limit. */
  state: 'up' | 'down' | 'stalled' = 'up'

  private readonly world: World
  private readonly real: Redis

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
        return (...values: unknown[]) => this.command(host, name, () => Reflect.apply(member, target, values))
      },
    })
  }

  async flush(): Promise<void> {
    await this.real.flushdb()
  }

  /** Real keys lose as much of their life as the world's clock has gone on. */
  async age(ms: number): Promise<void> {
    for (const key of await this.real.keys('*')) {
      const left = await this.real.pttl(key)
      if (left < 0) continue
      if (left <= ms) await this.real.del(key)
      else await this.real.pexpire(key, Math.ceil(left - ms))
    }
  }

  private command(host: Host, name: string, run: () => unknown): Promise<unknown> {
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
          const value = await run()
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

/** As connectRedis sets it. */
const commandTimeoutMs = 250
