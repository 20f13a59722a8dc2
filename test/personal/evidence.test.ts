/** What stands beside the books has its end: digests and books stay. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { evidenceDays, keptSince } from '../../src/domain/retention.ts'
import { eraseEvidence } from '../../src/personal/evidence.ts'
import { openPayee, sealPlainPayees } from '../../src/refund/payee.ts'
import { rewrapAll } from '../../src/secrets/rewrap.ts'
import type { Database } from '../../src/store/database.ts'
import { insertAll } from '../../src/store/rows.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { payee, refundFixture } from '../harness/refunds.ts'
import { anId, type Seeded, seedTenant } from '../harness/seed.ts'
import { aMasterKey, testVault } from '../harness/vault.ts'

const day = 24 * 60 * 60 * 1000
const message = {
  method: 'POST',
  path: '/notice',
  query: 'a=1',
  headers: { 'x-name': 'NGUYEN VAN AN' },
  body: Buffer.from('{"remark":"NGUYEN VAN AN nop phi"}'),
}
const digest = createHash('sha256').update('POST\n/notice\na=1\n').update(message.body).digest()

async function aCallback(database: Database, seeded: Seeded, receivedAt: Date, verdict: string): Promise<void> {
  await insertAll(database, 'callbacks', [
    {
      ...message,
      id: `cbk_${String(receivedAt.getTime()).padStart(15, '0')}${anId('cbk').slice(-11)}`,
      tenant_id: seeded.tenantId,
      rail_account_id: seeded.railAccountId,
      received_at: receivedAt,
      request_id: 'r1',
      remote_address: '203.0.113.9',
      verdict,
      detail: '',
      settlement_id: null,
      reply_status: 200,
      reply_body: 'ok NGUYEN VAN AN',
    },
  ])
}

const stored = (database: Database) =>
  database.query<{ verdict: string; body: Buffer; digest: Buffer | null; erased_at: Date | null }>(
    'SELECT verdict, body, digest, erased_at FROM callbacks ORDER BY received_at',
    [],
  )

t.test('bodies of banks’ messages go when their time is over; a digest shows later which message it was', async (t) => {
  const { database } = await testDatabase(t)
  const environment = testEnvironment(new Date())
  const seeded = await seedTenant(database)
  const now = environment.now().getTime()
  const ago = (days: number) => new Date(now - days * day)
  await aCallback(database, seeded, ago(evidenceDays.CALLBACK + 1), 'recorded')
  await aCallback(database, seeded, ago(evidenceDays.CALLBACK - 1), 'recorded')
  await aCallback(database, seeded, ago(evidenceDays.REFUSED_CALLBACK + 2), 'refused:signature')
  await aCallback(database, seeded, ago(evidenceDays.REFUSED_CALLBACK - 1), 'refused:signature')
  while ((await eraseEvidence({ database, environment })) > 0);
  t.match(await stored(database), [
    { verdict: 'recorded', body: Buffer.alloc(0), digest, erased_at: environment.now() },
    { verdict: 'recorded', body: message.body, digest: null },
    { verdict: 'refused:signature', body: Buffer.alloc(0), digest },
    { verdict: 'refused:signature', body: message.body, digest: null },
  ])
  const [first] = await database.query<{ text: string }>(
    'SELECT c::text AS text FROM callbacks c ORDER BY received_at',
    [],
  )
  for (const trace of ['NGUYEN', '203.0.113.9', 'a=1']) t.notOk(first?.text.includes(trace), trace)
})

t.test('the service cannot change or shorten evidence by itself, whatever clock it claims', async (t) => {
  const { database } = await testDatabase(t)
  const seeded = await seedTenant(database)
  await aCallback(database, seeded, new Date(Date.now() - 30 * day), 'recorded')
  await t.rejects(database.query(`UPDATE callbacks SET body = ''`, []), { code: '42501' })
  const far = new Date(Date.now() + 50 * 365 * day)
  await database.query('SELECT erase_callbacks($1, $2, $2, 500)', ['CALLBACK', far])
  t.match(await stored(database), [{ body: message.body, erased_at: null }])
  await t.rejects(
    database.forTenant(seeded.tenantId).query('SELECT erase_callbacks($1, $2, $2, 500)', ['CALLBACK', far]),
    { code: '42501' },
  )
})

t.test('payers’ addresses go after their year, and no payment is looked at twice', async (t) => {
  const fixture = await refundFixture(t)
  const { database, environment } = fixture
  const { invoice } = await fixture.paid()
  await database.query(`UPDATE payments SET payer_ip = '203.0.113.9'`, [])
  t.equal(await eraseEvidence({ database, environment }), 0)
  environment.advance((evidenceDays.PAYER_ADDRESS + 1) * day)
  t.equal(await eraseEvidence({ database, environment }), 1)
  t.same(await database.query('SELECT payer_ip, status FROM payments WHERE id = $1', [invoice.paymentId]), [
    { payer_ip: null, status: 'SUCCEEDED' },
  ])
  t.equal(await eraseEvidence({ database, environment }), 0)
})

t.test(
  'a payee is sealed in its row, opens for that row only, and goes ten years after the refund ended',
  async (t) => {
    const fixture = await refundFixture(t)
    const { database, environment, vault } = fixture
    const [one, two] = [await fixture.paid(), await fixture.paid()]
    const proposal = { channel: 'AGENCY_PAYOUT', payee } as const
    const id = await fixture.ask(one.settlementId, proposal)
    const other = await fixture.ask(two.settlementId, proposal)
    const text = async () =>
      (await database.query<{ text: string }>('SELECT r::text AS text FROM refunds r', []))
        .map((row) => row.text)
        .join()
    t.notMatch(await text(), /0123456789|NGUYEN VAN AN/)
    const [mine, theirs] = [await fixture.read(id), await fixture.read(other)]
    t.same(await openPayee(vault, mine), payee)
    const { master_key_id, data_key, sealed } = theirs
    await t.rejects(openPayee(vault, { ...mine, master_key_id, data_key, sealed }), { code: 'SECRET' })
    await t.rejects(database.query(`UPDATE refunds SET payee = payee || '{"accountNumber":"1"}'`, []), {
      code: '23514',
    })

    const by = { tenantId: fixture.seeded.tenantId, subject: 'binh' }
    const { rejectRefund } = await import('../../src/refund/decide.ts')
    await database.transaction((tx) => rejectRefund(tx, environment, by, id, 'Không đủ căn cứ'))
    environment.advance(evidenceDays.PAYEE * day + 1000)
    await eraseEvidence({ database, environment })
    t.equal(await openPayee(vault, await fixture.read(id)), null)
    t.same(await openPayee(vault, await fixture.read(other)), payee, 'one that has not ended keeps it')
    t.match(await database.query(`SELECT subject, body FROM journal_entries WHERE kind = 'personal.erased'`, []), [
      { subject: id, body: /"class":"PAYEE"/ },
    ])
  },
)

t.test('payees that an earlier version wrote plain are sealed in batches, and follow a new master key', async (t) => {
  const fixture = await refundFixture(t)
  const { database, environment } = fixture
  const oldKey = aMasterKey('old')
  const vault = testVault(oldKey)
  const ids: string[] = []
  for (let n = 0; n < 3; n++) ids.push(await fixture.ask((await fixture.paid()).settlementId))
  const plain = (number: string) => JSON.stringify({ ...payee, accountNumber: number })
  for (const [index, id] of ids.entries())
    await database.query(`UPDATE refunds SET channel = 'AGENCY_PAYOUT', payee = $2 WHERE id = $1`, [
      id,
      plain(`77000${index}`),
    ])
  t.match(await openPayee(vault, await fixture.read(ids[1] ?? '')), { accountNumber: '770001' }, 'readable before')
  t.equal(await sealPlainPayees(database, vault), 3)
  t.equal(await sealPlainPayees(database, vault), 0)
  const both = testVault(`${aMasterKey('new')},${oldKey}`)
  const results = await rewrapAll(database, both, (ms) => environment.sleep(ms))
  t.match(
    results.find(({ kind }) => kind === 'refund-payee'),
    { rows: 3, left: 0 },
  )
  for (const [index, id] of ids.entries())
    t.match(await openPayee(both, await fixture.read(id)), { accountNumber: `77000${index}`, bankBin: payee.bankBin })
})

t.test('what is kept since when follows the table of days', async (t) => {
  const now = new Date('2026-11-20T00:00:00Z')
  t.same(keptSince('REFUSED_CALLBACK', now), new Date('2025-11-20T00:00:00Z'))
})
