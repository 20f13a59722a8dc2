import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { exportDue } from '../../src/watch/transaction-export.ts'
import { receiptBench } from '../harness/receipts.ts'

t.test('after local midnight the day before is written once, whole, with its hash', async (t) => {
  const bench = await receiptBench(t)
  const folder = `${t.testdir()}/export`
  const options = { ...bench.options, exportFolder: folder }
  bench.environment.set(new Date('2026-11-20T16:59:59Z'))
  const invoice = await bench.pay()
  bench.environment.set(new Date('2026-11-20T17:00:01Z'))
  await bench.pay()
  t.equal(await exportDue(options), 0, 'what settled just before midnight may still be committing')
  bench.environment.set(new Date('2026-11-20T17:06:00Z'))
  const made = await Promise.all(Array.from({ length: 4 }, () => exportDue(options)))
  t.equal(
    made.reduce((sum, count) => sum + count, 0),
    1,
    'by one replica',
  )
  t.equal(await exportDue(options), 0)
  const name = `transactions_${bench.seeded.tenantId}_2026-11-20.csv`
  t.same(readdirSync(folder).sort(), [name, `${name}.sha256`].sort())
  const bytes = readFileSync(`${folder}/${name}`)
  const hash = createHash('sha256').update(bytes).digest('hex')
  t.equal(readFileSync(`${folder}/${name}.sha256`, 'utf8'), `${hash}  ${name}\n`)
  const rows = parse(bytes, { columns: true }) as Record<string, string>[]
  t.match(rows, [
    {
      invoice_id: invoice.id,
      amount: '58000',
      agency_name: 'Sở Tư pháp',
      rail: 'vnpay',
      settled_at: '2026-11-20T16:59:59.000Z',
    },
  ])
  t.equal(rows.length, 1)
  t.match(await bench.database.query('SELECT rows, sha256 FROM transaction_exports', []), [{ rows: 1n, sha256: hash }])
})

t.test('days that were missed are made up for, and without a folder nothing is written', async (t) => {
  const bench = await receiptBench(t)
  bench.environment.set(new Date('2026-11-23T05:00:00Z'))
  t.equal(await exportDue({ ...bench.options, exportFolder: null }), 0)
  t.equal(await exportDue({ ...bench.options, exportFolder: t.testdir() }), 3, 'since the tenant is here')
})

t.test('a file that cannot be written is tried again', async (t) => {
  const bench = await receiptBench(t)
  bench.environment.set(new Date('2026-11-21T05:00:00Z'))
  const folder = t.testdir({ file: 'in the way' })
  await t.rejects(exportDue({ ...bench.options, exportFolder: `${folder}/file` }))
  t.equal(await exportDue({ ...bench.options, exportFolder: `${folder}/export` }), 1)
})
