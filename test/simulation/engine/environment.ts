import type { Environment } from '../../../src/environment.ts'
import type { Host, World } from './world.ts'

/** What a replica takes from outside itself: the world's clock (a little off, as clocks are), its random bytes, its time. */
export function simulatedEnvironment(world: World, host: Host): Environment {
  const random = world.random.fork(`bytes of ${host.name}`)
  return {
    now: () => new Date(world.now + host.skewMs),
    random: (length) => random.bytes(length),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve()
          return
        }
        const wake = (): void => {
          cancel()
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const cancel = world.at(host, world.now + ms, wake)
        signal?.addEventListener('abort', wake, { once: true })
      }),
  }
}
