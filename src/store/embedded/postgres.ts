/**
 * A real PostgreSQL of our own, from the binaries of an npm package: no service to install, nothing on the network.
 *
 * It listens on a Unix socket in a folder closed to others and wants a random password kept beside the data. It is never
 * run as root. A server that a killed gateway left running is taken over; one that a living gateway runs is shared.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Logger } from 'pino'
import { plainEnvironment, type RunAs, unprivilegedAccount } from './account.ts'
import { disown, hasOtherOwner, isAlive, isProgram, own } from './owner.ts'
import { EmbeddedPostgresError, findPlaces, type Places } from './places.ts'

export type EmbeddedPostgres = {
  /** Connection string of the database `feegate` for its owner. */
  readonly url: string
  /** Where the data is. */
  readonly dataDir: string
  /** Process id of the server, for tests that kill it. */
  readonly pid: number
  /** Stops the server cleanly; does nothing when another living gateway owns it. */
  stop(): Promise<void>
}

export type EmbeddedPostgresOptions = {
  readonly dataDir: string
  readonly log: Logger
  /** More server settings, e.g. for tests. */
  readonly settings?: Readonly<Record<string, string>>
}

const startSeconds = 60
const startTries = 10
const startPauseMs = 500
const owner = 'feegate'
const databaseName = 'feegate'

export async function startEmbeddedPostgres({
  dataDir,
  log,
  settings = {},
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const runAs = unprivilegedAccount()
  const places = findPlaces(dataDir, runAs, log)
  const ownerFile = join(places.home, 'postgres-owner.pid')
  if (!existsSync(join(places.cluster, 'PG_VERSION'))) await createCluster(places, runAs)
  const password = readFileSync(join(places.home, 'postgres-password'), 'utf8')
  const url = connectionString(places, password, databaseName)

  const running = runningServer(places)
  const shared = running !== null && hasOtherOwner(ownerFile)
  if (running === null) {
    await start(places, runAs, settings)
  } else {
    await answers(places, password)
    log.info(
      { data: places.cluster },
      shared
        ? 'PostgreSQL of another process is shared'
        : 'PostgreSQL left running by an earlier process is taken over',
    )
  }
  if (!shared) own(ownerFile)
  await ensureDatabase(places, password)
  const pid = runningServer(places)
  if (pid === null)
    throw new EmbeddedPostgresError(
      `PostgreSQL stopped right after its start: see ${join(places.cluster, 'server.log')}`,
    )
  return {
    url,
    dataDir: places.cluster,
    pid,
    async stop() {
      if (shared || runningServer(places) === null) return
      await run(places, runAs, 'pg_ctl', ['stop', '-D', places.cluster, '-m', 'fast', '-w', '-t', String(startSeconds)])
      disown(ownerFile)
    },
  }
}

async function createCluster(places: Places, runAs: RunAs | null): Promise<void> {
  const passwordFile = join(places.home, 'postgres-password')
  const password = randomBytes(24).toString('base64url')
  const handover = join(places.sockets, 'new-password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  writeFileSync(handover, password, { mode: 0o600 })
  if (runAs !== null) chownSync(handover, runAs.uid, runAs.gid)
  try {
    await run(places, runAs, 'initdb', [
      '-D',
      places.cluster,
      '-U',
      owner,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--auth=scram-sha-256',
      `--pwfile=${handover}`,
    ])
  } catch (error) {
    // Half a cluster would be taken for a whole one at the next start.
    rmSync(join(places.cluster, 'PG_VERSION'), { force: true })
    throw error
  } finally {
    rmSync(handover, { force: true })
  }
}

async function start(places: Places, runAs: RunAs | null, settings: Readonly<Record<string, string>>): Promise<void> {
  const all = {
    listen_addresses: '',
    unix_socket_directories: places.sockets,
    unix_socket_permissions: '0700',
    max_connections: '150',
    shared_buffers: '128MB',
    log_timezone: 'UTC',
    timezone: 'UTC',
    ...settings,
  }
  const options = Object.entries(all)
    .map(([name, value]) => `-c ${name}='${value}'`)
    .join(' ')
  const args = [
    'start',
    '-D',
    places.cluster,
    '-w',
    '-t',
    String(startSeconds),
    '-l',
    join(places.cluster, 'server.log'),
    '-o',
    options,
  ]
  for (let attempt = 1; ; attempt++) {
    try {
      // pg_ctl gives the server a session of its own: Ctrl-C in a terminal reaches the gateway only, which stops it last.
      await run(places, runAs, 'pg_ctl', args)
      return
    } catch (error) {
      // After a kill -9 the old server's children take a moment to notice and let go of the data.
      if (attempt === startTries) throw error
      await new Promise((resolve) => setTimeout(resolve, startPauseMs))
    }
  }
}

/** Process id of a living postmaster on this cluster; a stale pid file is left to PostgreSQL's own recovery. */
function runningServer(places: Places): number | null {
  const file = join(places.cluster, 'postmaster.pid')
  if (!existsSync(file)) return null
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  return Number.isInteger(pid) && isAlive(pid) && isProgram(pid, 'postgres') ? pid : null
}

async function answers(places: Places, password: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const client = new pg.Client({ connectionString: connectionString(places, password, 'postgres') })
      await client.connect()
      await client.end()
      return
    } catch (error) {
      // It may be recovering after a crash.
      if (attempt === 100) throw new EmbeddedPostgresError('the running PostgreSQL does not answer', { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function ensureDatabase(places: Places, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: connectionString(places, password, 'postgres') })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${databaseName}`)
  } finally {
    await client.end()
  }
}

function connectionString(places: Places, password: string, name: string): string {
  return `postgres://${owner}:${password}@/${name}?host=${encodeURIComponent(places.sockets)}`
}

async function run(places: Places, runAs: RunAs | null, program: string, args: readonly string[]): Promise<void> {
  const child = spawn(join(places.programs, program), args, {
    ...(runAs ?? {}),
    cwd: places.cluster,
    env: plainEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(-2_000)
  })
  // 'exit', not 'close': the server inherits our pipe and never closes it.
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  child.stderr.destroy()
  if (status !== 0) throw new EmbeddedPostgresError(`${program} failed: ${complaint.trim()}`)
}
