/** A million entries: appended, sealed and verified, beside the hashing alone; then one bit of one of them is changed, and found. */
import { generateKeyPairSync } from 'node:crypto'
import pg from 'pg'
import { leafHash } from '../src/domain/merkle.ts'
import { realEnvironment } from '../src/environment.ts'
import { sealDue } from '../src/journal/seal.ts'
import { verifyJournal } from '../src/journal/verify.ts'
import { createMetrics } from '../src/metrics.ts'
import { signCompact } from '../src/signing/compact-jws.ts'
import { appendJournal } from '../src/store/journal.ts'
import { insertAll } from '../src/store/rows.ts'
import { print, withDatabase } from './stage.ts'

const count = Number(process.env.BENCH_ENTRIES ?? 1_000_000)
const perCommit = 2_000
const kid = 'bench'.padEnd(43, '0')

export async function benchJournal(): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { kid, alg: 'ES256', privateKey } as const
  await withDatabase(async (database, url) => {
    await insertAll(database, 'tenants', [{ id: 'ten_bench', name: 'Đo tốc độ', created_at: new Date() }])
    const entry = (number: number) => ({
      tenantId: 'ten_bench',
      at: new Date(1_790_000_000_000 + number),
      kind: 'invoice.bench',
      subject: `inv_${number}`,
      actor: 'feegate',
      facts: { amount: '58000', number },
    })
    const append = await timed(async () => {
      for (let from = 0; from < count; from += perCommit) {
        const entries = Array.from({ length: Math.min(perCommit, count - from) }, (_, index) => entry(from + index))
        await database.transaction((tx) => appendJournal(tx, entries))
      }
    })
    const options = {
      database,
      environment: realEnvironment,
      sign: async (claims: object) => signCompact(key, 'feegate-checkpoint+jws', Buffer.from(JSON.stringify(claims))),
      publicUrl: () => 'https://bench.example',
      metrics: createMetrics(),
    }
    const seal = await timed(async () => {
      while ((await sealDue(options)) > 0);
    })
    let mostMegabytes = 0
    const find = (asked: string) => (asked === kid ? { alg: 'ES256' as const, publicKey } : null)
    let verdict = ''
    const verify = await timed(async () => {
      const { entries, findings } = await verifyJournal(database, find, () => {
        mostMegabytes = Math.max(mostMegabytes, process.memoryUsage().rss / 2 ** 20)
      })
      verdict = `${entries} entries, ${findings.length} findings`
    })
    const body = Buffer.from(JSON.stringify(entry(count)))
    const hashing = await timed(async () => {
      for (let index = 0; index < count; index++) leafHash(body)
    })
    print(
      `Journal of ${count} entries (limit: their leaf hashes alone)`,
      [
        ['limit: SHA-256 of each entry', hashing],
        [`append, ${perCommit} per commit`, append],
        ['seal: tree, link, signature, places', seal],
        ['verify: entries, trees, chain, signatures', verify],
      ],
      hashing,
    )
    process.stdout.write(`  verified ${verdict}; at most ${Math.round(mostMegabytes)} MB of memory\n`)
    const subject = `inv_${Math.floor(count * 0.618)}`
    await changeOneBit(url, subject)
    const { entries, findings } = await verifyJournal(database, find)
    const told = findings.map(({ what, seq, subject }) => `${what} ${seq} ${subject}`).join('; ')
    process.stdout.write(
      `  one bit of ${subject} among ${entries} entries changed by the owner of the database: ${told}\n`,
    )
    if (findings.length !== 1 || !told.endsWith(` ${subject}`))
      throw new Error('the changed bit was not found, or not alone')
  })
}

/** The lowest bit of one letter in the text of an entry, past the triggers: what somebody with the whole database in hand can do. */
async function changeOneBit(url: string, subject: string): Promise<void> {
  const owner = new pg.Client({ connectionString: url })
  await owner.connect()
  await owner.query('SET session_replication_role = replica')
  await owner.query(
    `UPDATE journal_entries SET body = left(body, -3) || chr(ascii(substr(right(body, 3), 1, 1)) # 1) || right(body, 2) WHERE subject = $1`,
    [subject],
  )
  await owner.end()
}

/** Entries per second. */
async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now()
  await work()
  return count / ((performance.now() - begin) / 1000)
}
