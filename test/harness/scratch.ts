import { chmodSync, existsSync, mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** More than all databases of a run together. */
const wantedBytes = 2 * 1024 ** 3

/**
 * A folder for a server whose data nobody needs after the run: in memory where Linux has room there, since each test makes a
 * database of its own and a busy disk would make all of them wait.
 */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(hasRoom('/dev/shm') ? '/dev/shm' : tmpdir(), name))
  // PostgreSQL's account must pass through it when we are root.
  chmodSync(folder, 0o755)
  return folder
}

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize >= wantedBytes
}
