import fc from 'fast-check'
import t from 'tap'
import { chainHash, inclusionProof, leafHash, merkleRoot, verifyInclusion } from '../../src/domain/merkle.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
/** Entries and roots of the certificate transparency project's own tests. */
const entries = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const leavesOf = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => leafHash(Buffer.from(`entry ${index}`)))

t.test('roots are those of RFC 6962', async (t) => {
  const leaves = entries.map((entry) => leafHash(hex(entry)))
  for (const [count, root] of roots.entries()) t.equal(merkleRoot(leaves.slice(0, count)).toString('hex'), root)
})

t.test('law: every entry of every tree has a proof, and the proof is good for it alone', (t) => {
  const tree = fc.integer({ min: 1, max: 70 }).chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1)))
  fc.assert(
    fc.property(tree, fc.nat(), ([size, index], other) => {
      const leaves = leavesOf(size)
      const root = merkleRoot(leaves)
      const inclusion = { leaf: leaves[index] ?? root, index, size, proof: inclusionProof(leaves, index), root }
      const wrong = [
        { ...inclusion, leaf: leafHash(Buffer.from('another entry')) },
        { ...inclusion, index: size },
        { ...inclusion, index: -1 },
        { ...inclusion, index: index + 0.5 },
        { ...inclusion, proof: [...inclusion.proof, root] },
        { ...inclusion, root: leafHash(root) },
        ...(inclusion.proof.length === 0
          ? []
          : [
              { ...inclusion, proof: inclusion.proof.slice(1) },
              { ...inclusion, proof: inclusion.proof.map((hash) => hash.subarray(1)) },
            ]),
        ...(other % size === index ? [] : [{ ...inclusion, index: other % size }]),
      ]
      return verifyInclusion(inclusion) && !wrong.some(verifyInclusion)
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test('every entry of every tree up to 65 leaves has a proof of the length the RFC says', async (t) => {
  for (let size = 1; size <= 65; size++) {
    const leaves = leavesOf(size)
    const root = merkleRoot(leaves)
    for (const [index, leaf] of leaves.entries()) {
      const proof = inclusionProof(leaves, index)
      const good = verifyInclusion({ leaf, index, size, proof, root }) && proof.length <= Math.ceil(Math.log2(size))
      if (!good) t.fail(`leaf ${index} of ${size}`)
    }
  }
})

t.test('a leaf cannot pass for a node', async (t) => {
  const [left, right] = leavesOf(2) as [Buffer, Buffer]
  t.notSame(leafHash(Buffer.concat([left, right])), merkleRoot([left, right]))
})

t.test('there is no proof of a leaf that is not there', async (t) => {
  for (const index of [-1, 3, 0.5, Number.NaN]) t.throws(() => inclusionProof(leavesOf(3), index), RangeError)
})

t.test('a link of the chain depends on all that it stands for', async (t) => {
  const root = merkleRoot(leavesOf(3))
  const meta = { number: 1n, firstSeq: 1n, lastSeq: 3n, size: 3, sealedAt: new Date('2026-11-20T00:00:00Z') }
  const link = chainHash(null, root, meta)
  const others = [
    chainHash(link, root, meta),
    chainHash(null, merkleRoot(leavesOf(4)), meta),
    chainHash(null, root, { ...meta, number: 2n }),
    chainHash(null, root, { ...meta, firstSeq: 2n }),
    chainHash(null, root, { ...meta, lastSeq: 4n }),
    chainHash(null, root, { ...meta, size: 4 }),
    chainHash(null, root, { ...meta, sealedAt: new Date('2026-11-20T00:00:00.001Z') }),
  ]
  t.equal(new Set([link, ...others].map((hash) => hash.toString('hex'))).size, others.length + 1)
  t.same(chainHash(Buffer.alloc(32), root, meta), link, 'the first link follows zeros')
  t.throws(() => chainHash(Buffer.alloc(31), root, meta), RangeError)
  t.throws(() => chainHash(null, root.subarray(1), meta), RangeError)
  t.throws(() => chainHash(null, root, { ...meta, number: -1n }), RangeError)
})
