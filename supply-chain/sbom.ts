/**
 * `npm run sbom [FILE]`: a CycloneDX list of what is shipped, from the lock file alone. npm makes it; what npm gets wrong is put right:
 * its `--omit dev` also drops production packages that development shares, the project is named after its folder, and number and time
 * are new in every run. The same lock file gives the same bytes on every machine.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { readLockfile } from './lockfile.ts'

type Component = { 'bom-ref': string; name: string; version: string; externalReferences?: { type: string }[] }
type Sbom = {
  serialNumber: string
  metadata: { timestamp?: string; component: Component; [name: string]: unknown }
  components: Component[]
  dependencies: { ref: string; dependsOn?: string[] }[]
}

const root = new URL('../', import.meta.url)

export function makeSbom(): Sbom {
  const made = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const sbom = JSON.parse(made) as Sbom
  const shipped = new Set(
    readLockfile(new URL('package-lock.json', root)).flatMap(({ name, version, development }) =>
      development ? [] : [`${name}@${version}`],
    ),
  )
  const { name, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Record<string, string>
  const own = sbom.metadata.component['bom-ref']
  sbom.metadata.component.name = name ?? ''
  sbom.metadata.component.version = version ?? ''
  delete sbom.metadata.timestamp
  sbom.components = sbom.components
    .filter((component) => shipped.has(`${component.name}@${component.version}`))
    .map((component) => ({
      ...component,
      // Where a package was fetched from is the machine's affair.
      externalReferences: (component.externalReferences ?? []).filter(({ type }) => type !== 'distribution'),
    }))
  const kept = new Set([own, ...sbom.components.map((component) => component['bom-ref'])])
  sbom.dependencies = sbom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }))
  const digest = createHash('sha256').update(JSON.stringify(sbom.components)).digest('hex')
  // A version 8 UUID (RFC 9562): the content names it.
  sbom.serialNumber = `urn:uuid:${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  return sbom
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const file = process.argv[2] ?? 'sbom.cdx.json'
  const sbom = makeSbom()
  writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`)
  process.stdout.write(`${file}: ${sbom.components.length} packages\n`)
}
