/** Keys of personal data are changed beside the traffic; persons that an earlier version wrote plain are sealed until none is left. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { addPersonalKey, dropPersonalKey, type FieldCipher, openFieldCipher } from '../../src/personal/field-cipher.ts'
import { exportPersonal, keepPersons } from '../../src/personal/keep.ts'
import { personalKeyUse, resealPersons, sealPlainParties } from '../../src/personal/reseal.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { seedInvoice, seedTenant } from '../harness/seed.ts'

const personalId = '001199000001'

async function scene(t: Test) {
  const { database } = await testDatabase(t)
  const environment = testEnvironment()
  const seeded = await seedTenant(database)
  const folder = join(t.testdir(), 'keys')
  const cipher = openFieldCipher(folder, randomBytes)
  const keep = async (by: FieldCipher, number: string) => {
    const { id } = await seedInvoice(database, seeded)
    await database.transaction((tx) =>
      keepPersons(tx, { environment, cipher: by }, [
        { tenantId: seeded.tenantId, invoiceId: id, persons: { payer: { personalId: number, phone: '0912345678' } } },
      ]),
    )
    return id
  }
  const found = (by: FieldCipher, number = personalId) =>
    database.transaction((tx) =>
      exportPersonal(tx, { environment, cipher: by, actor: 'x', tenantId: seeded.tenantId }, [number], 'thử'),
    )
  return { database, environment, seeded, folder, cipher, keep, found }
}

t.test(
  'a new key seals at once on every replica; what stands under the old one is found, resealed, and the old one dropped',
  async (t) => {
    const { database, environment, folder, cipher, keep, found } = await scene(t)
    const replica = openFieldCipher(folder, randomBytes)
    await keep(cipher, personalId)
    const [old = ''] = cipher.keyIds()
    const fresh = addPersonalKey(folder, randomBytes)
    t.same(replica.keyIds(), [fresh, old])
    await keep(replica, personalId)
    t.equal((await found(cipher)).length, 4, 'both are found while the change lasts')
    t.throws(() => dropPersonalKey(folder, fresh), /seals/)
    t.same(await resealPersons({ database, environment, cipher }), { rows: 2, left: 0 })
    t.match(await personalKeyUse(database), [{ keyId: fresh, rows: 4 }])
    dropPersonalKey(folder, old)
    t.same(cipher.keyIds(), [fresh])
    t.match(
      (await found(replica, '0912345678')).map(({ fields }) => fields),
      [{ phone: '0912345678' }, { personalId }, { phone: '0912345678' }, { personalId }],
    )
  },
)

t.test('more rows than a batch, some of them held by others: all are resealed, none twice', async (t) => {
  const { database, environment, folder, cipher, seeded } = await scene(t)
  const { id } = await seedInvoice(database, seeded)
  const more = Array.from({ length: 230 }, () => seedInvoice(database, seeded))
  const ids = [id, ...(await Promise.all(more)).map((invoice) => invoice.id)]
  await database.transaction((tx) =>
    keepPersons(
      tx,
      { environment, cipher },
      ids.map((invoiceId) => ({ tenantId: seeded.tenantId, invoiceId, persons: { payer: { personalId } } })),
    ),
  )
  addPersonalKey(folder, randomBytes)
  let let_go = (): void => undefined
  const held = database.transaction(async (tx) => {
    await tx.query('SELECT 1 FROM personal_data WHERE invoice_id = $1 FOR UPDATE', [id])
    await new Promise<void>((resolve) => {
      let_go = resolve
    })
  })
  const done = resealPersons({ database, environment: { ...environment, sleep: async () => let_go() }, cipher })
  t.same(await done, { rows: 231, left: 0 })
  await held
})

t.test(
  'persons of an earlier version leave the invoice and stand sealed, kept since the day they were told',
  async (t) => {
    const { database, environment, cipher, seeded, found } = await scene(t)
    const ids: string[] = []
    for (let n = 0; n < 3; n++) ids.push((await seedInvoice(database, seeded)).id)
    const [plain = '', named = ''] = ids
    const parties = (value: object, id: string) =>
      database.query('UPDATE invoices SET parties = $2 WHERE id = $1', [id, JSON.stringify(value)])
    await parties(
      { payer: { name: 'Nguyễn Văn An', personalId, phone: '0912345678' }, submitter: { name: 'B' } },
      plain,
    )
    await parties({ payer: { name: 'Trần Thị Bình' } }, named)
    const options = { database, environment, cipher }
    t.equal(await sealPlainParties(options), 0, 'what came after the migration is sealed already')
    await database.query(`INSERT INTO retention_places (kind, up_to) VALUES ('PLAIN_PARTIES_END', 'inv_z')`, [])
    t.equal(await sealPlainParties(options), 3)
    t.equal(await sealPlainParties(options), 0, 'it ends')
    t.same(
      await database.query('SELECT parties FROM invoices WHERE id = ANY ($1) ORDER BY array_position($1, id)', [ids]),
      [
        { parties: { payer: { name: 'Nguyễn Văn An' }, submitter: { name: 'B' } } },
        { parties: { payer: { name: 'Trần Thị Bình' } } },
        { parties: {} },
      ],
    )
    t.match(await found(cipher), [
      { class: 'CONTACT', invoiceId: plain, fields: { phone: '0912345678' } },
      { class: 'IDENTITY', invoiceId: plain, keepUntil: new Date('2031-11-19T03:00:00Z') },
    ])
  },
)
