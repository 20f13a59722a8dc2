/** Where the embedded PostgreSQL's programs and data live, so that the account it runs under can reach them. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { plainEnvironment, type RunAs } from './account.ts'

export class EmbeddedPostgresError extends Error {
  readonly code = 'EMBEDDED_POSTGRES'
}

export type Places = {
  /** Folder with `initdb`, `pg_ctl` and `postgres`. */
  readonly programs: string
  /** Folder of the cluster's files. */
  readonly cluster: string
  /** Folder of ours beside it: password, owner, log. */
  readonly home: string
  /** Folder of the socket; its whole path stays below the 107 bytes a socket's name may have. */
  readonly sockets: string
}

/** Kept here when the project's own folders are closed to the unprivileged account (a clone under a 0700 home). */
const systemFolder = '/var/lib/feegate'
const longestSocketFolder = 80

export function findPlaces(dataDir: string, runAs: RunAs | null, log: Logger): Places {
  const wanted = resolve(dataDir)
  let home = wanted
  mkdirSync(home, { recursive: true })
  let cluster = join(home, 'postgres')
  if (runAs !== null && !canReach(home, runAs)) {
    home = join(systemFolder, fingerprint(wanted))
    mkdirSync(home, { recursive: true, mode: 0o755 })
    cluster = join(home, 'postgres')
    log.info(
      { wanted, data: cluster },
      'the data folder is closed to the account PostgreSQL runs under; the data is kept elsewhere',
    )
  }
  ensureOwned(cluster, runAs)
  const beside = join(home, 'sockets')
  const sockets = beside.length <= longestSocketFolder ? beside : join(tmpdir(), `feegate-${fingerprint(home)}`)
  ensureOwned(sockets, runAs)
  return { programs: join(findPrograms(runAs, log), 'bin'), cluster, home, sockets }
}

function findPrograms(runAs: RunAs | null, log: Logger): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let packageFile: string
  try {
    packageFile = createRequire(import.meta.url).resolve(name)
  } catch (error) {
    throw new EmbeddedPostgresError(
      `there is no embedded PostgreSQL for ${process.platform} ${process.arch} here: set DATABASE_URL to a PostgreSQL server`,
      { cause: error },
    )
  }
  const native = join(dirname(dirname(packageFile)), 'native')
  if (runAs === null || runs(join(native, 'bin', 'postgres'), runAs)) return native
  // Only root can write there, so nobody can put other programs in their place.
  const version = fingerprint(`${native} ${statSync(join(native, 'bin', 'postgres')).mtimeMs}`)
  const copy = join(systemFolder, `programs-${version}`)
  if (!existsSync(copy)) {
    const unfinished = `${copy}.${process.pid}`
    mkdirSync(systemFolder, { recursive: true, mode: 0o755 })
    cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(unfinished, copy)
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(copy)) throw error
    }
    log.info({ programs: copy }, 'PostgreSQL programs copied to where the account it runs under can reach them')
  }
  if (lstatSync(copy).uid !== 0 || !runs(join(copy, 'bin', 'postgres'), runAs)) {
    throw new EmbeddedPostgresError(`PostgreSQL cannot be run from ${copy}: remove it or set DATABASE_URL`)
  }
  return copy
}

function runs(program: string, runAs: RunAs): boolean {
  return (
    spawnSync(program, ['--version'], { ...runAs, cwd: '/', env: plainEnvironment(), stdio: 'ignore' }).status === 0
  )
}

function canReach(folder: string, runAs: RunAs): boolean {
  return (
    spawnSync('ls', ['-d', `${folder}/.`], { ...runAs, cwd: '/', env: plainEnvironment(), stdio: 'ignore' }).status ===
    0
  )
}

/** A folder that only the server's account may enter. */
function ensureOwned(folder: string, runAs: RunAs | null): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (runAs !== null) chownSync(folder, runAs.uid, runAs.gid)
  const { uid, mode } = lstatSync(folder)
  const owner = runAs?.uid ?? process.getuid?.() ?? uid
  if (uid !== owner || (mode & 0o077) !== 0)
    throw new EmbeddedPostgresError(
      `${folder} must belong to the account PostgreSQL runs under and be closed to others`,
    )
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
