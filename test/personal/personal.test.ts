import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { masked, personalClasses } from '../../src/domain/retention.ts'
import { sealDue } from '../../src/journal/seal.ts'
import { verifyJournal } from '../../src/journal/verify.ts'
import { createMetrics } from '../../src/metrics.ts'
import { createFieldCipher, openFieldCipher } from '../../src/personal/field-cipher.ts'
import { eraseDue, erasePersonal, exportPersonal, holdPersonal } from '../../src/personal/keep.ts'
import { keysOfJwks } from '../../src/signing/compact-jws.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import { anInvoice, type TestGateway, testCipher, testGateway } from '../harness/gateway.ts'

const personalId = '001199000001'
const phone = '0912345678'
const address = 'Số 5 ngõ 12 phố Hàng Tre'
const submitter = { name: 'Nguyễn Văn An', personalId, phone, address }

async function bench(t: Test) {
  const gateway = await testGateway(t)
  const act = { environment: gateway.environment, cipher: testCipher, actor: 'officer:1' }
  const issue = async (over: Record<string, unknown> = {}): Promise<{ id: string; text: string; jws: string }> => {
    const answer = await gateway.api('POST', '/v1/invoices', anInvoice({ submitter, ...over }))
    t.equal(answer.status, 201, answer.text)
    return { ...(answer.json as unknown as { id: string; jws: string }), text: answer.text }
  }
  const held = (number = personalId) =>
    gateway.database.transaction((tx) => exportPersonal(tx, act, [number], 'a test'))
  return { gateway, act, issue, held }
}

/** Every row of every table, as text. */
async function everything({ database }: TestGateway): Promise<string> {
  const tables = await database.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'feegate_migrations'`,
    [],
  )
  const texts = await Promise.all(
    tables.map(({ name }) => database.query<{ text: string }>(`SELECT r::text AS text FROM ${name} r`, [])),
  )
  return texts
    .flat()
    .map(({ text }) => text)
    .join('\n')
}

t.test(
  'numbers and addresses of persons stand nowhere in the database, in no answer and in no signature',
  async (t) => {
    const { gateway, issue } = await bench(t)
    const { text, jws, id } = await issue()
    const payload = Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()
    const again = await gateway.api('GET', `/v1/invoices/${id}`)
    const stored = await everything(gateway)
    t.match(stored, /Nguyễn Văn An/, 'the name stands on pages and receipts')
    for (const secret of [personalId, phone, phone.slice(1), address])
      for (const place of [text, again.text, payload, stored]) t.notOk(place.includes(secret), secret)
    t.notMatch(payload, /Nguyễn/, 'a signed invoice names nobody')
  },
)

t.test('what is held on one person is found by any of their numbers, and the reading is in the journal', async (t) => {
  const { gateway, issue, held } = await bench(t)
  const { id } = await issue()
  await issue({ submitter: { name: 'Trần Thị Bình', personalId: '001199000002' } })
  t.match(await held(), [
    { invoiceId: id, role: 'submitter', class: 'CONTACT', fields: { address } },
    { invoiceId: id, role: 'submitter', class: 'IDENTITY', fields: { personalId } },
  ])
  const [contact] = await held()
  t.equal((await held(contact?.fields.phone)).length, 2, 'by phone, the identity beside it too')
  t.same(await held('001199000009'), [])
  const read = await gateway.database.query<{ actor: string; body: string }>(
    `SELECT actor, body FROM journal_entries WHERE kind = 'personal.read' AND subject = $1`,
    [id],
  )
  t.equal(read.length, 6)
  t.match(read[0], { actor: 'officer:1', body: /"purpose":"a test"/ })
})

t.test('erasing on request leaves books, invoice, signatures and journal as they were', async (t) => {
  const { gateway, act, issue, held } = await bench(t)
  const { id, jws } = await issue()
  t.same(await gateway.database.transaction((tx) => erasePersonal(tx, act, [personalId])), { erased: 2, held: 0 })
  t.same(await held(), [])
  const rows = await gateway.database.query('SELECT sealed, hashes, erased_reason FROM personal_data', [])
  t.same(rows, Array(2).fill({ sealed: null, hashes: [], erased_reason: 'REQUEST' }))
  t.match((await gateway.api('GET', `/v1/invoices/${id}`)).json, { id, jws })
  await sealDue({
    database: gateway.database,
    environment: gateway.environment,
    sign: createTokens(gateway.keys).sign,
    publicUrl: () => gateway.url,
    metrics: createMetrics(),
  })
  t.match(await verifyJournal(gateway.database, keysOfJwks(gateway.keys.publicJwks())), { waiting: 0n, findings: [] })
})

t.test('a legal hold beats a request, the end of its time and the database itself', async (t) => {
  const { gateway, act, issue, held } = await bench(t)
  await issue()
  const hold = (reason: string | null) =>
    gateway.database.transaction((tx) => holdPersonal(tx, act, [personalId], reason))
  t.equal(await hold('Vụ việc 12/2026'), 2)
  t.same(await gateway.database.transaction((tx) => erasePersonal(tx, act, [personalId])), { erased: 0, held: 2 })
  gateway.environment.advance(20 * 365 * 24 * 60 * 60 * 1000)
  t.equal(await eraseDue(gateway), 0)
  await t.rejects(
    gateway.database.query(
      `UPDATE personal_data SET sealed = NULL, hashes = '{}', erased_at = now(), erased_reason = 'REQUEST'`,
      [],
    ),
    { code: '23514' },
  )
  t.equal((await held()).length, 2)
  t.equal(await hold(null), 2)
  t.equal(await eraseDue(gateway), 2)
})

t.test('each class is erased on its own day, by data', async (t) => {
  const { gateway, issue, held } = await bench(t)
  await issue()
  const day = 24 * 60 * 60 * 1000
  gateway.environment.advance(personalClasses.CONTACT.days * day - 1000)
  t.equal(await eraseDue(gateway), 0)
  gateway.environment.advance(1000)
  t.equal(await eraseDue(gateway), 1)
  t.match(await held(), [{ class: 'IDENTITY' }])
  gateway.environment.advance((personalClasses.IDENTITY.days - personalClasses.CONTACT.days) * day)
  t.equal(await eraseDue(gateway), 1)
  t.same(await held(), [])
})

t.test('a sealed field opens for its own row and key only', async (t) => {
  const nonce = Buffer.alloc(12, 1)
  const binding = ['ten_1', 'inv_1', 'payer', 'IDENTITY'] as const
  const { keyId, sealed } = await testCipher.seal(nonce, binding, 'bí mật')
  t.equal(await testCipher.open(keyId, binding, sealed), 'bí mật')
  for (const other of [
    ['ten_2', 'inv_1', 'payer', 'IDENTITY'] as const,
    ['ten_1', 'inv_2', 'payer', 'IDENTITY'] as const,
  ])
    await t.rejects(testCipher.open(keyId, other, sealed), { code: 'PERSONAL_DATA' })
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    await t.rejects(testCipher.open(keyId, binding, changed), { code: 'PERSONAL_DATA' })
  }
  const another = createFieldCipher(Buffer.alloc(32, 8))
  await t.rejects(another.open(keyId, binding, sealed), { code: 'PERSONAL_DATA' })
  await t.rejects(another.open(another.keyIds()[0] ?? '', binding, sealed), { code: 'PERSONAL_DATA' })
  t.notSame(testCipher.searchHash('ten_1', personalId), testCipher.searchHash('ten_2', personalId))
})

t.test('the key is made once, for its owner alone', async (t) => {
  const folder = join(t.testdir(), 'keys')
  const random = (length: number) => Buffer.alloc(length, 3)
  const first = openFieldCipher(folder, random)
  const again = openFieldCipher(folder, () => Buffer.alloc(32, 4))
  t.same(again.keyIds(), first.keyIds())
  t.equal(statSync(join(folder, 'personal.key')).mode & 0o077, 0)
  t.ok(readFileSync(join(folder, 'personal.key'), 'utf8').length > 40)
})

t.test('a masked number shows three characters, a short one none', async (t) => {
  t.equal(masked(personalId), '*********001')
  t.equal(masked('12345'), '*****')
})
