import fc from 'fast-check'
import t from 'tap'
import { chainHash, leafHash } from '../../src/domain/merkle.ts'
import { linkFields } from '../../src/journal/checkpoint.ts'
import { type Link, proveConsistency } from '../../src/journal/consistency.ts'
import { signCompact } from '../../src/signing/compact-jws.ts'
import { journalBench } from '../harness/journal.ts'

const at = new Date('2026-11-20T03:00:00Z')

t.test('law: a journal extends every checkpoint of its own past, and none of another', async (t) => {
  const { keys, find } = await journalBench(t)
  const signer = keys.active()
  const chain = (roots: readonly string[]): Link[] => {
    let previous: Buffer | null = null
    return roots.map((text, index) => {
      const meta = { number: BigInt(index + 1), firstSeq: BigInt(index), lastSeq: BigInt(index), size: 1, sealedAt: at }
      const root = leafHash(Buffer.from(text))
      const link = { ...meta, root, previous, chain: chainHash(previous, root, meta) }
      previous = link.chain
      const payload = Buffer.from(JSON.stringify({ iss: 'https://gateway.example', ...linkFields(link) }))
      return { link, checkpoints: [signCompact(signer, 'feegate-checkpoint+jws', payload)] }
    })
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string(), { minLength: 2, maxLength: 12 }),
      fc.nat(),
      fc.nat(),
      async (roots, oldPlace, changedPlace) => {
        const links = chain(roots)
        const old = oldPlace % links.length
        const checkpoint = links[old]?.checkpoints[0] ?? ''
        const good = await proveConsistency(checkpoint, links.slice(old), find)
        if (!good.ok || good.from !== BigInt(old + 1) || good.to !== BigInt(links.length)) return false
        // Written anew from some place up to the checkpoint on, and signed with the same key: another past.
        const changed = changedPlace % (old + 1)
        const forged = chain(roots.map((text, index) => (index === changed ? `${text}!` : text)))
        if ((await proveConsistency(checkpoint, forged, find)).ok) return false
        // A link taken out between the two, or the end cut off before the checkpoint.
        const middle = old + 1
        if (middle < links.length - 1) {
          const holed = links.filter((_, index) => index !== middle)
          if ((await proveConsistency(checkpoint, holed, find)).ok) return false
        }
        return !(await proveConsistency(checkpoint, links.slice(0, old), find)).ok
      },
    ),
    { numRuns: 60 },
  )
})
