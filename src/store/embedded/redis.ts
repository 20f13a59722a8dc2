import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { plainEnvironment } from './account.ts'
import { disown, hasOtherOwner, isAlive, isProgram, own } from './owner.ts'

export type EmbeddedRedis = { readonly url: string; readonly pid: number; stop(): Promise<void> }

const startMs = 5_000
const stopMs = 5_000
const longestSocketFolder = 80

/**
 * The machine's `redis-server` on a Unix socket in a private folder, without persistence and with bounded memory. One that a
 * killed gateway left running is taken over. Null when the machine has none: everything works without it, a little slower.
 */
export async function startEmbeddedRedis({
  dataDir,
  log,
}: {
  dataDir: string
  log: Logger
}): Promise<EmbeddedRedis | null> {
  if (spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status !== 0) return null
  const folder = privateFolder(dataDir)
  const socket = join(folder, 'redis.sock')
  const pidFile = join(folder, 'redis.pid')
  const ownerFile = join(folder, 'owner.pid')
  const shared = runningServer(pidFile) !== null && hasOtherOwner(ownerFile)
  const pid = runningServer(pidFile) ?? (await start(folder, socket, pidFile))
  if (pid === null) {
    log.warn('redis-server did not start; working on PostgreSQL alone')
    return null
  }
  if (!shared) own(ownerFile)
  return {
    url: `unix://${socket}`,
    pid,
    async stop() {
      if (shared || runningServer(pidFile) !== pid) return
      process.kill(pid, 'SIGTERM')
      for (let waited = 0; isAlive(pid) && waited < stopMs; waited += 20) await pause(20)
      disown(ownerFile)
    },
  }
}

async function start(folder: string, socket: string, pidFile: string): Promise<number | null> {
  rmSync(pidFile, { force: true })
  rmSync(socket, { force: true })
  const settings = [
    '--port',
    '0',
    '--unixsocket',
    socket,
    '--unixsocketperm',
    '700',
    '--pidfile',
    pidFile,
    '--daemonize',
    'yes',
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  // As a daemon it has a session of its own: Ctrl-C in a terminal reaches the gateway only, which stops it last.
  spawn(
    'redis-server',
    [
      ...settings,
      '--maxmemory',
      '128mb',
      '--maxmemory-policy',
      'volatile-ttl',
      '--dir',
      folder,
      '--logfile',
      join(folder, 'redis.log'),
    ],
    { stdio: 'ignore', env: plainEnvironment() },
  ).on('error', () => {})
  for (let waited = 0; waited < startMs; waited += 10) {
    const pid = runningServer(pidFile)
    if (pid !== null && existsSync(socket)) return pid
    await pause(10)
  }
  return null
}

function runningServer(pidFile: string): number | null {
  if (!existsSync(pidFile)) return null
  const pid = Number(readFileSync(pidFile, 'utf8'))
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) && isProgram(pid, 'redis-server') ? pid : null
}

function privateFolder(dataDir: string): string {
  const beside = join(resolve(dataDir), 'redis')
  const folder =
    beside.length <= longestSocketFolder
      ? beside
      : join(tmpdir(), `feegate-redis-${createHash('sha256').update(beside).digest('hex').slice(0, 12)}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  return folder
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
