/**
 * A folder in which banks' files are laid: `<folder>/<tenant id>/<file>`. A file is taken once nobody writes to it any more, by a
 * rename that one process wins; what is booked goes to `done/`, what is refused to `quarantine/` with a `.reason.txt` beside it.
 */
import { lstat, mkdir, readdir, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { businessDate } from '../domain/vietnam-time.ts'
import type { Environment } from '../environment.ts'
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
        .filter((entry) => entry.isFile() && !unfinished.test(entry.name))
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
    seen.delete(path)
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
      const source = await readingForFile(database.forTenant(tenantId).query, tenantId, name)
      const result = await desk.take({ tenantId, path: taken, name, origin: 'FOLDER', actor: 'folder', source })
      if (result.status === 'REFUSED') await quarantine(home, taken, name, result.refusal)
      else await moveTo(join(home, 'done', businessDate(environment.now())), taken, name)
      log.info({ tenantId, name, status: result.status }, 'file of the watched folder dealt with')
      return true
    } catch (error) {
      // Our fault or the database's: the file goes back and is tried again.
      await rename(taken, path)
      throw error
    }
  }

  async function quarantine(home: string, taken: string, name: string, refusal: Refusal): Promise<void> {
    const path = await moveTo(join(home, 'quarantine'), taken, name)
    const lines = refusal.problems.map(({ line, message }) => `  dòng / line ${line ?? '-'}: ${message}`)
    const text = [
      `Tệp bị từ chối toàn bộ, không ghi nhận dòng nào. / The file was refused whole, no line of it is booked.`,
      `${refusal.code}: ${refusal.message}`,
      ...lines,
      '',
    ].join('\n')
    await writeFile(`${path}.reason.txt`, text)
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
