import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Writes a file only its owner can read. A crash or power cut leaves the old content or the new, never a part of it.
 * @param options.exclusive do not replace: false is returned when the file is there already, whoever made it
 */
export function writePrivateFile(path: string, content: string | Buffer, { exclusive = false } = {}): boolean {
  const folder = dirname(path)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  // Named by process: two of them that write at once must not share the file they prepare.
  const prepared = join(folder, `.${basename(path)}.${process.pid}.new`)
  writeFileSync(prepared, content, { mode: 0o600, flush: true })
  try {
    if (!exclusive) renameSync(prepared, path)
    else if (!linkExclusive(prepared, path)) return false
  } finally {
    rmSync(prepared, { force: true })
  }
  flushFolder(folder)
  return true
}

/** A hard link appears whole or not at all, and fails when the name is taken. */
function linkExclusive(prepared: string, path: string): boolean {
  try {
    linkSync(prepared, path)
    return true
  } catch (error) {
    if (existsSync(path)) return false
    // Some network and FAT volumes know no hard links. Without them two first starts at the same instant are not told apart.
    if (!(error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'ENOTSUP')))
      throw error
    renameSync(prepared, path)
    return true
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
