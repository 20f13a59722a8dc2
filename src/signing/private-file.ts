import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

export class PrivateFileError extends Error {
  readonly code = 'PRIVATE_FILE'
}

/** Writes a file only its owner can read. A crash or power cut leaves the old content or the new, never a part of it. */
export function writePrivateFile(path: string, content: string | Buffer): void {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Named by process: two of them that write at once must not share the file they prepare.
  const prepared = join(folder, `.${basename(path)}.${process.pid}.new`)
  try {
    writeFileSync(prepared, content, { mode: 0o600, flush: true })
    renameSync(prepared, path)
  } finally {
    rmSync(prepared, { force: true })
  }
  flushFolder(folder)
}

/**
 * A file that holds a secret. Group access is allowed: that is how orchestrators hand secrets to a process.
 * @throws PrivateFileError when everybody on the machine may read it, or it cannot be read
 */
export function readPrivateFile(path: string): Buffer {
  try {
    // Windows has no such bits.
    if (process.platform !== 'win32' && (statSync(path).mode & 0o007) !== 0)
      throw new PrivateFileError(`${path} can be read by everybody on this machine: chmod 600 it`)
    return readFileSync(path)
  } catch (error) {
    if (error instanceof PrivateFileError) throw error
    throw new PrivateFileError(`${path} cannot be read`, { cause: error })
  }
}

const lockWaitMs = 20
const lockTries = 250

/**
 * Runs `work` while no other process that asks for the same lock does: replicas that start together on an empty folder, two
 * operators who rotate at once. For work of milliseconds.
 * @throws PrivateFileError after five seconds
 */
export function exclusively<Result>(folder: string, work: () => Result): Result {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = join(folder, '.lock')
  takeLock(lock)
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function takeLock(lock: string): void {
  for (let tries = 1; ; tries++) {
    try {
      closeSync(openSync(lock, 'wx', 0o600))
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST'))
        throw new PrivateFileError(`${lock} cannot be made`, { cause: error })
      if (tries === lockTries)
        throw new PrivateFileError(
          `another command is changing this folder; if none is, a crash left ${lock}: remove it`,
        )
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockWaitMs)
    }
  }
}

/** The name itself must survive a power cut too. Windows cannot open folders and needs no such step. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
