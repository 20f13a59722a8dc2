/** `feegate reconcile` as operators run it: each command a process of its own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { house } from '../harness/process.ts'
import { seedInvoice, seedTenant } from '../harness/seed.ts'
import { mt940 } from '../reconciliation/stage.ts'

t.test('terms, a source, files, a run and the check, with exit codes that scripts can rely on', async (t) => {
  const { folder, database, feegate } = await house(t)
  const seeded = await seedTenant(database, { rail: 'vietqr' })
  const invoice = await seedInvoice(database, seeded, { total: 61_000n })
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const reconcile = (command: string, ...args: string[]) =>
    feegate(['reconcile', command, ...args, '--tenant', seeded.tenantId])
  const terms = {
    format: 'feegate-reconciliation/1',
    holidays: [{ day: '2027-01-01', name: 'Tết Dương lịch' }],
    railTerms: [{ railAccountId: seeded.railAccountId, validFrom: '2026-01-01', legs: 2 }],
  }
  const csv = {
    kind: 'STATEMENT',
    name: 'vcb-csv',
    format: 'csv',
    filePattern: 'vcb-*.csv',
    mapping: {
      name: 'vcb',
      columns: { bookingDate: 'Ngày', bankReference: 'Số CT', remittance: 'Nội dung' },
      amount: { kind: 'columns', credit: 'Có', debit: 'Nợ' },
      dateFormat: 'dd/MM/yyyy',
      thousandsSign: '.',
      decimalSign: ',',
      account: '113366668888',
    },
  }
  const day = { id: '1/1', day: '2026-11-19', account: '113366668888', currency: 'VND', opening: 0n }
  const good = file('good.sta', mt940([{ amount: 61_000n, reference: 'FT1', text: `phi ${invoice.payCode}` }], day))
  const broken = file(
    'broken.sta',
    mt940([{ amount: 5n, reference: 'A' }], { ...day, id: '2/1' }).replace('C5,', 'C6,'),
  )
  const table = file('vcb-1.csv', 'Ngày,Số CT,Nội dung,Nợ,Có\n19/11/2026,FT9,CHUC MUNG,,25.000\n')

  const [told, saved, wrong] = await Promise.all([
    reconcile('terms', file('terms.json', terms)),
    reconcile('source', file('source.json', csv)),
    reconcile('terms', file('wrong.json', { ...terms, railTerms: [{ railAccountId: 'nobody' }] })),
  ])
  t.match(told, { code: 0, out: /^1 holidays, 1 terms, 0 expected movements/ }, told.err)
  t.match(saved, { code: 0, out: /^source vcb-csv is at version 1/ }, saved.err)
  t.match(wrong, { code: 1, err: /railTerms/ })

  const imported = await reconcile('import', good, broken, table, '--no-run')
  t.match(imported, { code: 1, err: /^broken\.sta: INTEGRITY: .*\n {2}line \d+: / }, 'one of them is refused')
  t.match(imported.out, /^good\.sta: 1 lines booked, 0 known before \(fil_\w+\)\nvcb-1\.csv: 1 lines booked/)
  t.notMatch(imported.out, /matched/)
  const [again, ran] = [await reconcile('import', good), await reconcile('run')]
  t.match(again, { code: 0, out: /^good\.sta: on record already/ })
  t.match(
    ran,
    { code: 0, out: /^matched: .*\nsettled from files: first-success 1\nopen breaks: .*UNREFERENCED 1/ },
    ran.err,
  )
  t.match(await reconcile('check'), { code: 0, out: /^I12 holds/ })

  await database.query(
    `UPDATE reconciliation_items SET ended_on = '2030-01-01' WHERE tenant_id = $1 AND line_id IS NOT NULL`,
    [seeded.tenantId],
  )
  t.match(await reconcile('check'), { code: 1, out: /^line \d+: 0 places[\s\S]*\d violations of I12/ })
})
