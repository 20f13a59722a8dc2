/** Which gateway process stops a server that several may share: the one whose id stands in the owner file, while it lives. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** True when another living process owns the server. */
export function hasOtherOwner(file: string): boolean {
  if (!existsSync(file)) return false
  const pid = Number(readFileSync(file, 'utf8'))
  return Number.isInteger(pid) && pid > 0 && pid !== process.pid && isAlive(pid)
}

export function own(file: string): void {
  writeFileSync(file, String(process.pid), { mode: 0o600 })
}

export function disown(file: string): void {
  rmSync(file, { force: true })
}

/** False when the number now belongs to another program, as it may after a restart of the machine. */
export function isProgram(pid: number, name: string): boolean {
  const file = `/proc/${pid}/cmdline`
  return !existsSync('/proc/self/cmdline') || (existsSync(file) && readFileSync(file, 'utf8').includes(name))
}
