/** The README promises only what is there. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const readme = readFileSync(path('README.md'), 'utf8')
const manifest = JSON.parse(readFileSync(path('package.json'), 'utf8')) as {
  scripts: Record<string, string>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

t.test('CI runs the test command of the README word for word', async (t) => {
  t.match(readme, /^npm ci && npm test$/m)
  t.match(readFileSync(path('.ci/run'), 'utf8'), /^npm ci && npm test$/m)
})

t.test('every setting stands in the table, and nothing else does', async (t) => {
  const source = readFileSync(path('src/config.ts'), 'utf8')
  const known = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name)
  const table = readme.slice(readme.indexOf('## Configuration'), readme.indexOf('## Commands'))
  const told = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([A-Z0-9_]+)`/g)].map(([, name]) => name),
  )
  t.same([...told].sort(), [...known].sort())
})

t.test('every dependency has its line, and every script that is named exists', async (t) => {
  const table = readme.slice(readme.indexOf('## Dependencies'))
  for (const name of Object.keys(manifest.dependencies)) t.ok(table.includes(`\`${name}\``), name)
  for (const [, script = ''] of readme.matchAll(/`npm run (\w+)/g))
    t.ok(manifest.scripts[script] !== undefined, `npm run ${script}`)
})

t.test('every link leads to a file', async (t) => {
  for (const [, target = ''] of readme.matchAll(/\]\(([^)#]+)\)/g))
    if (!target.startsWith('http')) t.ok(existsSync(path(target)), target)
})
