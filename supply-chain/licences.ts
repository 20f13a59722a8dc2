/** `npm run licences`: the licences of what is shipped; exit 1 on one that nobody has allowed. */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { type LockedPackage, readLockfile } from './lockfile.ts'

/** False for what is no SPDX expression of names, AND, OR and brackets: unknown is never allowed. */
export function isAllowed(expression: string | null, allowed: ReadonlySet<string>): boolean {
  const tokens = expression?.match(/\(|\)|[A-Za-z0-9.+-]+|\S/g) ?? []
  let next = 0
  // AND binds stronger than OR (SPDX 2.3 annex D).
  function either(): boolean {
    let result = both()
    while (tokens[next] === 'OR') {
      next++
      // Evaluated first: what stands after it must be read even when the answer is known.
      const right = both()
      result = result || right
    }
    return result
  }
  function both(): boolean {
    let result = one()
    while (tokens[next] === 'AND') {
      next++
      const right = one()
      result = result && right
    }
    return result
  }
  function one(): boolean {
    const token = tokens[next++]
    if (token !== '(') return token !== undefined && allowed.has(token)
    const inside = either()
    return tokens[next++] === ')' && inside
  }
  const result = either()
  return result && next === tokens.length
}

/** Packages by their licence, and those with one that is not allowed. */
export function licencesOf(packages: readonly LockedPackage[], allowed: ReadonlySet<string>) {
  const shipped = packages.filter(({ development }) => !development)
  return {
    byLicence: Map.groupBy(shipped, ({ licence }) => licence ?? 'none named'),
    refused: shipped.filter(({ licence }) => !isAllowed(licence, allowed)),
  }
}

export function allowedLicences(): ReadonlySet<string> {
  return new Set<string>(JSON.parse(readFileSync(new URL('allowed-licences.json', import.meta.url), 'utf8')))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { byLicence, refused } = licencesOf(
    readLockfile(new URL('../package-lock.json', import.meta.url)),
    allowedLicences(),
  )
  for (const [licence, packages] of [...byLicence].sort(([, one], [, other]) => other.length - one.length)) {
    const names = [...new Set(packages.map(({ name }) => name))].sort()
    process.stdout.write(`${licence} (${names.length}): ${names.join(', ')}\n`)
  }
  for (const { name, version, licence } of refused)
    process.stdout.write(`NOT ALLOWED ${name}@${version}: ${licence ?? 'names no licence'}\n`)
  if (refused.length > 0) process.exitCode = 1
}
