/** What `npm ci` installs, read from package-lock.json alone. */
import { readFileSync } from 'node:fs'

export type LockedPackage = {
  readonly name: string
  readonly version: string
  /** SPDX expression; null when the package names none. */
  readonly licence: string | null
  /** Needed for development only: not part of what is shipped. */
  readonly development: boolean
  readonly installScript: boolean
  /** SRI hash; null for the project itself. */
  readonly integrity: string | null
}

type LockEntry = {
  version?: string
  license?: string
  dev?: boolean
  hasInstallScript?: boolean
  integrity?: string
  name?: string
}

/** Every package of the lock file but the project itself, in the file's order. */
export function readLockfile(path: URL): LockedPackage[] {
  const { packages } = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, LockEntry> }
  return Object.entries(packages).flatMap(([place, entry]) => {
    if (place === '') return []
    return [
      {
        name: entry.name ?? place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length),
        version: entry.version ?? '',
        licence: entry.license ?? null,
        development: entry.dev === true,
        installScript: entry.hasInstallScript === true,
        integrity: entry.integrity ?? null,
      },
    ]
  })
}
