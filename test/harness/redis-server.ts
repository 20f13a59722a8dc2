/** A `redis-server` on a port of its own, to kill and to stop. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { loopback } from './ports.ts'

export type RedisServer = {
  readonly port: number
  readonly pid: number
  /** Kill -9; resolves when it is gone. */
  kill(): Promise<void>
  /** Started again; resolves when it answers. */
  start(): Promise<void>
}

const longestWaitMs = 60_000

export async function startRedisServer(
  folder: string,
  port: number,
  more: Readonly<Record<string, string | number>> = {},
): Promise<RedisServer> {
  mkdirSync(folder, { recursive: true })
  const settings = {
    port,
    bind: loopback,
    dir: folder,
    save: '',
    appendonly: 'no',
    logfile: join(folder, 'redis.log'),
    ...more,
  }
  let child: ChildProcess
  const start = async (): Promise<void> => {
    child = spawn(
      'redis-server',
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      { stdio: 'ignore' },
    )
    await untilSo(`Redis answers on ${port}`, async () => (await askRedis(port, (redis) => redis.ping())) === 'PONG')
  }
  await start()
  return {
    port,
    get pid() {
      return child.pid ?? 0
    },
    start,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
  }
}

export async function askRedis<Answer>(port: number, question: (redis: Redis) => Promise<Answer>): Promise<Answer> {
  const redis = new Redis({
    host: loopback,
    port,
    lazyConnect: true,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
  })
  // What goes wrong is told by the command itself.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return await question(redis)
  } finally {
    redis.disconnect()
  }
}

/** Errors of the look count as "not yet". */
export async function untilSo(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const start = Date.now()
  let last: unknown = null
  for (;;) {
    try {
      if (await isSo()) return
    } catch (error) {
      last = error
    }
    if (Date.now() - start > longestWaitMs) throw new Error(`in vain waited for: ${what}`, { cause: last })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
