/**
 * A folder in which banks' files are laid: `<folder>/<tenant id>/<file>`. A file is taken once nobody writes to it any more, by a
 * rename that one process wins; what is booked goes to `done/`, what is refused to `quarantine/` with a `.reason.txt` beside it.
 * Where the source asks for it, the bank's CMS signature stands beside the file as `<file>.p7s` and is verified first.
 */
import { lstat, mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { businessDate } from '../domain/vietnam-time.ts'
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import { type Database, errorCode } from '../store/database.ts'
import type { Desk } from './desk.ts'
import type { Refusal } from './import/file.ts'
import { readingForFile } from './sources.ts'

export type WatchedFolderOptions = {
  readonly folder: string
  readonly database: Database
  readonly environment: Environment
  readonly desk: Desk
  readonly log: Logger
  /** Size and time of a file must have stood still for this long. */
  readonly stillMs?: number
}

export type WatchedFolder = {
  /** One look; returns how many files were dealt with. */
  round(): Promise<number>
}

/** Names under which transfer programs write before they rename. */
const unfinished = /^\.|~$|\.(?:part|tmp|temp|filepart|crdownload|writing|reason\.txt)$/i
/** A file that a process took and never gave back: longer than any import lasts. */
const takeBackMs = 60 * 60 * 1000
/** A bank lays the signature after the file; later than this it will not come. */
const signatureWaitMs = 60 * 60 * 1000
const signatureEnding = '.p7s'
const roundMs = 5_000

export function watchFolder({
  folder,
  database,
  environment,
  desk,
  log,
  stillMs = 10_000,
}: WatchedFolderOptions): WatchedFolder {
  const seen = new Map<string, { size: number; changedMs: number; sinceMs: number }>()

  async function tenants(): Promise<string[]> {
    const rows = await database.query<{ id: string }>('SELECT id FROM tenants ORDER BY id', [])
    return rows.map(({ id }) => id)
  }

  /** A folder that nobody made is empty. */
  async function filesIn(path: string): Promise<string[]> {
    try {
      const entries = await readdir(path, { withFileTypes: true })
      // No links: a name in here must not lead to another file of the machine.
      return entries
        .filter((entry) => entry.isFile() && !unfinished.test(entry.name) && !entry.name.endsWith(signatureEnding))
        .map(({ name }) => name)
        .sort()
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return []
      throw error
    }
  }

  async function standsStill(path: string): Promise<boolean> {
    const { size, mtimeMs } = await lstat(path)
    const nowMs = environment.now().getTime()
    const before = seen.get(path)
    if (before === undefined || before.size !== size || before.changedMs !== mtimeMs) {
      seen.set(path, { size, changedMs: mtimeMs, sinceMs: nowMs })
      return false
    }
    return nowMs - before.sinceMs >= stillMs && size > 0
  }

  async function deal(tenantId: string, home: string, name: string): Promise<boolean> {
    const path = join(home, name)
    if (!(await standsStill(path))) return false
    const source = await readingForFile(database.forTenant(tenantId).query, tenantId, name)
    const { signedBy = null } = source
    const signature = signedBy === null ? null : await readSignature(path)
    if (signature !== null && !(await standsStill(`${path}${signatureEnding}`))) return false
    if (signedBy !== null && signature === null && !(await isOld(path))) return false
    seen.delete(path)
    seen.delete(`${path}${signatureEnding}`)
    const working = join(home, 'working')
    await mkdir(working, { recursive: true })
    const taken = join(working, name)
    try {
      await rename(path, taken)
    } catch (error) {
      // Another replica was first.
      if (errorCode(error) === 'ENOENT') return false
      throw error
    }
    await utimes(taken, environment.now(), environment.now())
    try {
      const result = await desk.take({
        tenantId,
        path: taken,
        name,
        origin: 'FOLDER',
        actor: 'folder',
        source,
        signature,
      })
      if (result.status === 'REFUSED') await quarantine(home, path, taken, name, result.refusal)
      else await moveWithSignature(join(home, 'done', businessDate(environment.now())), path, taken, name)
      log.info({ tenantId, name, status: result.status }, 'file of the watched folder dealt with')
      return true
    } catch (error) {
      if (error instanceof Problem && error.code === 'STATEMENT_NOT_SIGNED') {
        const message = signature === null ? `no ${signatureEnding} beside it` : error.message
        await quarantine(home, path, taken, name, { code: 'SIGNATURE', message, problems: [] })
        log.warn({ tenantId, name, reason: message }, 'file of the watched folder is not signed by its bank')
        return true
      }
      // Our fault or the database's: the file goes back and is tried again.
      await rename(taken, path)
      throw error
    }
  }

  /** Null when there is none, or not yet. */
  async function readSignature(path: string): Promise<Buffer | null> {
    try {
      return await readFile(`${path}${signatureEnding}`)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null
      throw error
    }
  }

  async function isOld(path: string): Promise<boolean> {
    return environment.now().getTime() - (await lstat(path)).mtimeMs > signatureWaitMs
  }

  async function quarantine(
    home: string,
    original: string,
    taken: string,
    name: string,
    refusal: Pick<Refusal, 'code' | 'message' | 'problems'>,
  ): Promise<void> {
    const path = await moveWithSignature(join(home, 'quarantine'), original, taken, name)
    const lines = refusal.problems.map(({ line, message }) => `  dòng / line ${line ?? '-'}: ${message}`)
    const text = [
      `Tệp bị từ chối toàn bộ, không ghi nhận dòng nào. / The file was refused whole, no line of it is booked.`,
      `${refusal.code}: ${refusal.message}`,
      ...lines,
      '',
    ].join('\n')
    await writeFile(`${path}.reason.txt`, text)
  }

  /** The signature, if there is one, stays beside its file. */
  async function moveWithSignature(target: string, original: string, taken: string, name: string): Promise<string> {
    const path = await moveTo(target, taken, name)
    try {
      await rename(`${original}${signatureEnding}`, `${path}${signatureEnding}`)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
    return path
  }

  /** Never over a file that is there. */
  async function moveTo(target: string, from: string, name: string): Promise<string> {
    await mkdir(target, { recursive: true })
    const taken = new Set(await readdir(target))
    let free = name
    for (let count = 2; taken.has(free); count++) free = `${name}.${count}`
    const path = join(target, free)
    await rename(from, path)
    return path
  }

  /** Left by a process that died: back to where it came from. */
  async function takeBack(home: string): Promise<void> {
    for (const name of await filesIn(join(home, 'working'))) {
      const path = join(home, 'working', name)
      if (environment.now().getTime() - (await lstat(path)).mtimeMs > takeBackMs) await rename(path, join(home, name))
    }
  }

  return {
    async round() {
      let dealt = 0
      for (const tenantId of await tenants()) {
        const home = join(folder, tenantId)
        await takeBack(home)
        for (const name of await filesIn(home)) {
          try {
            if (await deal(tenantId, home, name)) dealt += 1
          } catch (error) {
            log.warn(
              { err: error, tenantId, name },
              'a file of the watched folder could not be taken; it is tried again',
            )
          }
        }
      }
      return dealt
    },
  }
}

/** Looks until it is closed. */
export function startWatchingFolder(options: WatchedFolderOptions): { close(): Promise<void> } {
  const { environment, log } = options
  const stop = new AbortController()
  const watched = watchFolder(options)
  const running = (async () => {
    while (!stop.signal.aborted) {
      try {
        await watched.round()
      } catch (error) {
        log.warn({ err: error }, 'the watched folder could not be looked at; it is tried again')
      }
      await environment.sleep(roundMs, stop.signal)
    }
  })()
  return {
    async close() {
      stop.abort()
      await running
    },
  }
}
