import t from 'tap'
import { loadCatalogue } from '../../src/catalogue/load.ts'
import { anInvoice, catalogueData, testGateway } from '../harness/gateway.ts'

type File = { version: string; procedures: { code: string; rates: { id: string; amount?: number }[] }[] }
const changed = (change: (file: File) => void): File => {
  const file = structuredClone(catalogueData) as File
  change(file)
  return file
}
const rateOf = (file: File, id: string) => file.procedures.flatMap(({ rates }) => rates).find((rate) => rate.id === id)

t.test('a changed rate gets a next version; an invoice issued before still names and keeps the old one', async (t) => {
  const gateway = await testGateway(t)
  const before = await gateway.api('POST', '/v1/invoices', anInvoice())
  const file = changed((file) => {
    file.version = 'next'
    const rate = rateOf(file, 'temporary-residence-online')
    if (rate !== undefined) rate.amount = 9000
  })
  const loaded = await gateway.api('POST', '/v1/catalogue', file)
  t.match(loaded.json, { version: 'next', changed: 1, withdrawn: 0, alreadyLoaded: false }, loaded.text)
  const after = await gateway.api('POST', '/v1/invoices', anInvoice())
  t.match(after.json, { total: 9000, items: [{ rateId: 'temporary-residence-online', rateVersion: 2 }] })
  t.match((await gateway.api('GET', `/v1/invoices/${String(before.json.id)}`)).json, {
    total: 7000,
    items: [{ rateVersion: 1 }],
  })
  const versions = await gateway.database.query(
    `SELECT version, withdrawn_at IS NULL AS current FROM fee_rates WHERE id = 'temporary-residence-online' ORDER BY version`,
    [],
  )
  t.same(versions, [
    { version: 1, current: false },
    { version: 2, current: true },
  ])
})

t.test('the same file again does nothing; a rate that is left out is withdrawn and can be sold no more', async (t) => {
  const gateway = await testGateway(t)
  t.match((await gateway.api('POST', '/v1/catalogue', catalogueData)).json, { alreadyLoaded: true })
  const without = changed((file) => {
    for (const procedure of file.procedures)
      procedure.rates = procedure.rates.filter(({ id }) => id !== 'temporary-residence-counter')
  })
  t.match((await gateway.api('POST', '/v1/catalogue', without)).json, { withdrawn: 1 })
  t.match((await gateway.api('POST', '/v1/invoices', anInvoice({ channel: 'COUNTER' }))).json, { code: 'FEE_REFUSED' })
})

t.test('a file with one fault is refused whole, naming the place in both languages', async (t) => {
  const gateway = await testGateway(t)
  const broken = changed((file) => {
    const rate = rateOf(file, 'temporary-residence-online')
    if (rate !== undefined) rate.amount = 1.5
  })
  const answer = await gateway.api('POST', '/v1/catalogue', broken)
  t.equal(answer.status, 400)
  t.match(answer.json, {
    code: 'INVALID_REQUEST',
    errors: [{ field: /procedures\.\d+\.rates\.\d+\.amount/, vi: /đồng/, en: /VND/ }],
  })
  t.match((await gateway.api('POST', '/v1/invoices', anInvoice())).json, { total: 7000 })
})

t.test('production refuses a catalogue that is labelled illustrative', async (t) => {
  const { database, environment } = await testGateway(t)
  await t.rejects(
    database.transaction((tx) =>
      loadCatalogue(tx, environment, {
        tenantId: 'ten_thanhhoa',
        actor: 'test',
        data: catalogueData,
        refuseIllustrative: true,
      }),
    ),
    /illustrative/,
  )
})

t.test('the published table shows rates with their legal basis and validity', async (t) => {
  const gateway = await testGateway(t)
  const fees = await gateway.api('GET', '/v1/procedures/1.004194')
  t.match(fees.json, {
    illustrative: true,
    procedure: { nameVi: 'Đăng ký tạm trú' },
    rates: [{ version: 1, rate: { basis: { document: /./ }, validFrom: /^\d{4}-/ } }],
  })
  t.equal((await gateway.api('GET', '/v1/procedures/9.999999')).status, 404)
})
