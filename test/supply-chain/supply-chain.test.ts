import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { allowedLicences, isAllowed, licencesOf } from '../../supply-chain/licences.ts'
import { readLockfile } from '../../supply-chain/lockfile.ts'
import { makeSbom } from '../../supply-chain/sbom.ts'

const lockUrl = new URL('../../package-lock.json', import.meta.url)
const packages = readLockfile(lockUrl)
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  allowScripts: Record<string, boolean>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
  optionalDependencies: Record<string, string>
}

t.test('the SBOM lists every shipped package once and no other, and tells nothing of the machine', async (t) => {
  const sbom = makeSbom()
  const shipped = new Set(
    packages.filter(({ development }) => !development).map(({ name, version }) => `${name}@${version}`),
  )
  t.same(sbom.components.map(({ name, version }) => `${name}@${version}`).sort(), [...shipped].sort())
  t.equal(sbom.metadata.component.name, 'feegate')
  const text = JSON.stringify(sbom)
  const root = fileURLToPath(new URL('../..', import.meta.url))
  for (const secret of [root, hostname(), process.env.HOME ?? root, 'node_modules', 'localhost'])
    if (secret.length > 3) t.notOk(text.includes(secret), 'no path, no host')
  t.same(makeSbom(), sbom, 'the same lock file, the same list')
})

t.test('every shipped package has a licence that is allowed', async (t) => {
  const { refused, byLicence } = licencesOf(packages, allowedLicences())
  t.same(refused, [])
  t.ok(byLicence.size > 0)
})

t.test(
  'a licence is allowed by name; a choice by one of its parts, a sum by all; what is unknown is not',
  async (t) => {
    const allowed = new Set(['MIT', 'ISC'])
    for (const good of ['MIT', '(MIT OR GPL-2.0)', 'GPL-2.0 OR ISC', 'MIT AND ISC', '(MIT AND ISC) OR GPL-2.0'])
      t.ok(isAllowed(good, allowed), good)
    for (const bad of [
      null,
      '',
      'GPL-3.0-only',
      'MIT AND GPL-2.0',
      'GPL-2.0 OR MIT AND GPL-2.0',
      'SEE LICENSE IN LICENSE.md',
      'UNLICENSED',
      'MIT ISC',
      '(MIT',
      'MIT)',
      'MIT OR',
    ])
      t.notOk(isAllowed(bad, allowed), String(bad))
  },
)

t.test(
  'a package with a forbidden or no licence is refused when shipped, not when it only helps development',
  async (t) => {
    const made = { name: 'x', version: '1.0.0', development: false, installScript: false, integrity: null }
    const refused = (licence: string | null, development = false): number =>
      licencesOf([{ ...made, licence, development }], allowedLicences()).refused.length
    t.equal(refused('AGPL-3.0-only'), 1)
    t.equal(refused(null), 1)
    t.equal(refused('AGPL-3.0-only', true), 0)
    t.equal(refused('MIT'), 0)
  },
)

t.test('install scripts run for the listed packages only, and each of the list has one', async (t) => {
  // The `node` package names no script in the lock file of npm 11; its binary comes by one all the same.
  const withScript = new Set(['node', ...packages.filter(({ installScript }) => installScript).map(({ name }) => name)])
  t.same(Object.keys(manifest.allowScripts).sort(), [...withScript].sort())
  for (const [name, allowed] of Object.entries(manifest.allowScripts)) t.equal(allowed, true, name)
})

t.test('versions are exact, every package is held to its hash, and no registry is named', async (t) => {
  const { dependencies, devDependencies, optionalDependencies } = manifest
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))
    t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name)
  t.same(
    packages.filter(({ integrity }) => integrity === null || !integrity.startsWith('sha512-')).map(({ name }) => name),
    [],
  )
  t.notMatch(readFileSync(lockUrl, 'utf8'), /"resolved"/)
})

t.test('images and CI install from the lock file only', async (t) => {
  for (const file of ['Dockerfile', '.ci/run']) {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    t.match(text, /npm ci/, file)
    t.notMatch(text, /npm (i|install|update)\b/, file)
  }
})
