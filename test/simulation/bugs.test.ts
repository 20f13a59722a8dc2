/** The bugs that the simulation must be able to see. That each is seen is for `npm run simulate:recorded`. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { bugs } from './bugs.ts'

const root = new URL('../../', import.meta.url)

t.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length, 'each has a name of its own')
for (const { name, changes, sql } of bugs)
  t.test(`${name}: its places are there, each once`, async (t) => {
    t.ok(changes.length > 0 || sql !== undefined)
    for (const { file, find } of changes)
      t.equal(readFileSync(new URL(file, root), 'utf8').split(find).length, 2, `${file}: ${find.trim().slice(0, 60)}`)
  })
