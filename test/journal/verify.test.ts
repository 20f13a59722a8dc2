import { randomInt } from 'node:crypto'
import t from 'tap'
import { type JournalBench, journalBench } from '../harness/journal.ts'

/** Sealed in batches of 8, numbered as their entries: 1 to 8 in the first. */
async function sealed(t: import('tap').Test, count = 24): Promise<JournalBench> {
  const journal = await journalBench(t)
  await journal.append(count)
  await journal.seal(8)
  return journal
}

t.test('one changed bit among 20,000 entries is found, and the entry named', async (t) => {
  const journal = await journalBench(t)
  for (let from = 1; from <= 20_000; from += 5_000) await journal.append(5_000, from)
  await journal.seal()
  t.match(await journal.verify(), { batches: 5n, entries: 20_000n, findings: [] })
  const seq = randomInt(1, 20_001)
  // The last bit of the last digit of the facts: 0 becomes 1, and so on.
  await journal.tamper(
    `UPDATE journal_entries SET body = left(body, -3) || chr(ascii(substr(right(body, 3), 1, 1)) # 1) || right(body, 2) WHERE seq = $1`,
    [seq],
  )
  const { findings } = await journal.verify()
  t.match(findings, [{ what: 'CHANGED', seq: BigInt(seq), subject: `inv_${seq}` }])
  t.equal(findings.length, 1)
})

t.test('a changed text is found when its own leaf was changed with it', async (t) => {
  const journal = await sealed(t)
  await journal.tamper(`UPDATE journal_entries SET body = replace(body, '"number":9', '"number":7') WHERE seq = 9`)
  await journal.tamper(
    `UPDATE journal_entries SET leaf = sha256('\\x00'::bytea || convert_to(body, 'UTF8')) WHERE seq = 9`,
  )
  t.match((await journal.verify()).findings, [{ what: 'CHANGED', seq: 9n, subject: 'inv_9', batch: 2n }])
})

t.test('the columns that reports read must say what the text says', async (t) => {
  for (const change of [
    `subject = 'inv_x'`,
    `actor = 'somebody'`,
    `kind = 'invoice.tesu'`,
    `tenant_id = 'ten_other'`,
    `at = at + interval '1 microsecond'`,
  ]) {
    const journal = await sealed(t)
    await journal.tamper(`UPDATE journal_entries SET ${change} WHERE seq = 5`)
    t.match((await journal.verify()).findings, [{ what: 'CHANGED', seq: 5n }], change)
  }
})

t.test('a removed entry is missing, with and without its place', async (t) => {
  const gone = await sealed(t)
  await gone.tamper('DELETE FROM journal_entries WHERE seq = 13')
  t.match((await gone.verify()).findings, [{ what: 'MISSING', seq: 13n }])
  await gone.tamper('DELETE FROM journal_places WHERE seq = 13')
  t.match((await gone.verify()).findings, [{ what: 'MISSING', batch: 2n, detail: /after entry 12$/ }])
})

t.test('an entry beside the sealed ones is extra', async (t) => {
  const journal = await sealed(t)
  await journal.tamper(
    `INSERT INTO journal_entries (tenant_id, at, kind, subject, actor, body, leaf) SELECT tenant_id, at, kind, subject, actor, body, leaf FROM journal_entries WHERE seq = 3`,
  )
  // Triggers are off for the one who tampers, so it does not wait for a seal either.
  t.match((await journal.verify()).findings, [{ what: 'EXTRA', seq: 25n, subject: 'inv_3' }])
})

t.test('entries whose places were exchanged are reordered', async (t) => {
  const journal = await sealed(t)
  await journal.tamper('UPDATE journal_places SET position = 100 WHERE seq = 10')
  await journal.tamper('UPDATE journal_places SET position = 1 WHERE seq = 11')
  await journal.tamper('UPDATE journal_places SET position = 2 WHERE seq = 10')
  const { findings } = await journal.verify()
  t.ok(findings.some(({ what, seq, subject }) => what === 'REORDERED' && seq === 11n && subject === 'inv_11'))
  t.ok(findings.some(({ what, seq }) => what === 'REORDERED' && seq === 10n))
})

t.test('a change that was carried through leaves, root and chain fails on the signature', async (t) => {
  const journal = await sealed(t, 8)
  const { chainHash, leafHash, merkleRoot } = await import('../../src/domain/merkle.ts')
  const rows = await journal.tamper('SELECT body FROM journal_entries ORDER BY seq')
  const bodies = rows.map(({ body }, index) => (index === 2 ? String(body).replace(':3', ':4') : String(body)))
  const leaves = bodies.map((body) => leafHash(Buffer.from(body)))
  const [batch] = await journal.database.query<{ sealed_at: Date }>('SELECT sealed_at FROM journal_batches', [])
  const root = merkleRoot(leaves)
  const meta = { number: 1n, firstSeq: 1n, lastSeq: 8n, size: 8, sealedAt: batch?.sealed_at ?? new Date(0) }
  await journal.tamper('UPDATE journal_entries SET body = $1, leaf = $2 WHERE seq = 3', [bodies[2], leaves[2]])
  await journal.tamper('UPDATE journal_batches SET leaves = $1, root = $2, chain = $3', [
    Buffer.concat(leaves),
    root,
    chainHash(null, root, meta),
  ])
  t.match((await journal.verify()).findings, [{ what: 'BAD_SIGNATURE', batch: 1n }])
})

t.test('a batch that is gone breaks the chain, in the middle and at the end', async (t) => {
  const journal = await sealed(t)
  await journal.tamper('DELETE FROM journal_batches WHERE number = 2')
  t.ok((await journal.verify()).findings.some(({ what, batch }) => what === 'MISSING_BATCH' && batch === 2n))
  const ended = await sealed(t)
  await ended.tamper('DELETE FROM journal_batches WHERE number = 3')
  t.ok((await ended.verify()).findings.some(({ what, seq }) => what === 'MISSING_BATCH' && seq === 17n))
})

t.test('every field of a batch and every character of a signature counts', async (t) => {
  for (const change of [
    'first_seq = 8',
    'last_seq = 17',
    `sealed_at = sealed_at + interval '1 microsecond'`,
    'root = set_bit(root, 77, 1 - get_bit(root, 77))',
    'chain = set_bit(chain, 3, 1 - get_bit(chain, 3))',
    'previous = set_bit(previous, 200, 1 - get_bit(previous, 200))',
    'leaves = set_bit(leaves, 1000, 1 - get_bit(leaves, 1000))',
  ]) {
    const journal = await sealed(t, 16)
    await journal.tamper(`UPDATE journal_batches SET ${change} WHERE number = 2`)
    t.not((await journal.verify()).findings.length, 0, change)
  }
  const journal = await sealed(t, 8)
  const [row] = await journal.database.query<{ jws: string }>('SELECT jws FROM journal_checkpoints', [])
  const jws = row?.jws ?? ''
  for (let tries = 0; tries < 30; tries++) {
    const at = randomInt(jws.length)
    const other = jws[at] === 'A' ? 'B' : 'A'
    await journal.tamper('UPDATE journal_checkpoints SET jws = $1', [jws.slice(0, at) + other + jws.slice(at + 1)])
    t.match((await journal.verify()).findings, [{ what: 'BAD_SIGNATURE', batch: 1n }], `character ${at}`)
  }
})

t.test('an entry that waits for its seal is checked too', async (t) => {
  const journal = await journalBench(t)
  await journal.append(2)
  await journal.tamper(`UPDATE journal_entries SET body = replace(body, ':2}', ':3}') WHERE seq = 2`)
  t.match((await journal.verify()).findings, [{ what: 'CHANGED', seq: 2n, subject: 'inv_2' }])
})
