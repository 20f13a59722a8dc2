/** Loaded before everything else of a simulating process: plants the bug that FEEGATE_MUTATION names. */
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import { bugs } from './bugs.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const mutation = bugs.find(({ name }) => name === process.env.FEEGATE_MUTATION)
if (mutation === undefined) throw new Error(`no planted bug is called ${process.env.FEEGATE_MUTATION}`)

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.startsWith('file://')) return loaded
    const file = fileURLToPath(url)
    const changes = mutation.changes.filter((change) => file === root + change.file)
    if (changes.length === 0) return loaded
    let source = Buffer.from(loaded.source as Uint8Array | string).toString('utf8')
    for (const { find, put, file: place } of changes) {
      if (source.split(find).length !== 2)
        throw new Error(`${mutation.name}: ${place} does not hold its place just once`)
      source = source.replace(find, () => put)
    }
    return { ...loaded, source }
  },
})
