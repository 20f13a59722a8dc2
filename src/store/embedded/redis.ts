import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'

export type EmbeddedRedis = { readonly url: string; readonly pid: number; stop(): Promise<void> }

const startMs = 5_000

/**
 * Starts the machine's `redis-server` on a Unix socket in a private folder, without persistence and with bounded memory.
 * Null when the machine has none: everything works without it, a little slower.
 */
export async function startEmbeddedRedis({ log }: { log: Logger }): Promise<EmbeddedRedis | null> {
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status !== 0) return null
  const folder = mkdtempSync(join(tmpdir(), 'feegate-redis-'))
  const socket = join(folder, 'redis.sock')
  const child = spawn(
    'redis-server',
    [
      '--port',
      '0',
      '--unixsocket',
      socket,
      '--unixsocketperm',
      '700',
      '--save',
      '',
      '--appendonly',
      'no',
      '--maxmemory',
      '128mb',
      '--maxmemory-policy',
      'volatile-ttl',
      '--dir',
      folder,
    ],
    // A group of its own: Ctrl-C in a terminal reaches the gateway, which stops it last.
    { stdio: ['ignore', 'pipe', 'ignore'], detached: true },
  )
  const ready = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), startMs)
    child.once('error', () => resolve(false))
    child.once('exit', () => resolve(false))
    child.stdout.on('data', (chunk: Buffer) => {
      if (!chunk.includes('eady to accept connections')) return
      clearTimeout(timer)
      resolve(true)
    })
  })
  if (!ready || child.pid === undefined) {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
    log.warn('redis-server did not start; working on PostgreSQL alone')
    return null
  }
  child.stdout.resume()
  return {
    url: `unix://${socket}`,
    pid: child.pid,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGTERM')
        await gone
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
