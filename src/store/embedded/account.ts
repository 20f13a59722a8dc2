import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** The unprivileged account that PostgreSQL runs under when the gateway itself runs as root. */
export type RunAs = { readonly uid: number; readonly gid: number }

/** Null when we are not root: PostgreSQL then runs as we do. It refuses to run as root, and needs an account with a name. */
export function unprivilegedAccount(): RunAs | null {
  if (process.getuid?.() !== 0) return null
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name === 'nobody' && uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    'running as root needs an account named nobody for the embedded PostgreSQL; create it or set DATABASE_URL',
  )
}

/** What programs started under that account get: nothing of ours but the time zone and a place for temporary files. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', TMPDIR: tmpdir() }
}
