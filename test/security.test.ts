/** SECURITY.md promises only what a test shows. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const text = readFileSync(path('SECURITY.md'), 'utf8')

/** Lines of the tables, without their heads. */
const rows = text.split('\n').filter((line) => /^\| /.test(line) && !/Shown by/.test(line))

t.test('every row names a test, and every test that is named exists', async (t) => {
  t.ok(rows.length > 25)
  for (const row of rows) {
    const named = [...(row.split('|').at(-2) ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
    t.ok(named.length > 0, row.slice(0, 60))
    for (const name of named) t.ok(/^test\/.+\.ts$/.test(name) && existsSync(path(name)), name)
  }
})

t.test('all ten risks of OWASP’s list for APIs have a row', async (t) => {
  for (let n = 1; n <= 10; n++)
    t.ok(
      rows.some((row) => row.startsWith(`| API${n} `)),
      `API${n}`,
    )
})

t.test('every link leads to a file, and the README leads here', async (t) => {
  for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)\)/g)) t.ok(existsSync(path(target)), target)
  t.match(readFileSync(path('README.md'), 'utf8'), /\]\(SECURITY\.md\)/)
})
