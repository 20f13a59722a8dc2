import { readFileSync } from 'node:fs'
import t from 'tap'
import { allAdapters } from '../adapters/registry.ts'
import { capabilityMatrix, withRegion } from '../src/capability-matrix.ts'
import { toy } from './adapters/toy/index.ts'

t.test(
  'every rail of the registry has its row in the README, and a new one gets a row by standing there',
  async (t) => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    for (const { name } of allAdapters()) t.match(readme, `| [${name}](adapters/${name}/README.md): `, name)
    const rows = capabilityMatrix([...allAdapters(), toy]).split('\n')
    t.equal(rows.length, allAdapters().length + 3)
    t.same(
      rows
        .at(-1)
        ?.split('|')
        .map((cell) => cell.trim()),
      [
        '',
        '[toy](adapters/toy/README.md): Toy rail',
        'wallet',
        '✓',
        '✓',
        '✓',
        '–',
        '–',
        '–',
        '1,000 – 9,999,999',
        '≤ 20',
        'docs/adding-a-rail.md',
        '0',
        '',
      ],
    )
  },
)

t.test('only what stands between the markers is replaced, and a file without them is not touched', async (t) => {
  const text = 'a\n<!-- x -->\nold\n<!-- /x -->\nb\n'
  t.equal(withRegion(text, 'x', 'new\nlines'), 'a\n<!-- x -->\nnew\nlines\n<!-- /x -->\nb\n')
  t.equal(withRegion(withRegion(text, 'x', 'new'), 'x', 'old'), text)
  t.throws(() => withRegion('a\n<!-- x -->\n', 'x', 'new'), /no region x/)
  t.throws(() => withRegion(text, 'y', 'new'), /no region y/)
})
