import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { accountNumber, anyStatement, type BankLine, mt940, payDay, reconciliationStage, type Stage } from './stage.ts'

const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))
const lineCount = async ({ database, seeded }: Stage): Promise<bigint> =>
  (
    await database.query<{ count: bigint }>(
      `SELECT count(*) AS count FROM statement_lines WHERE tenant_id = $1 AND status = 'BOOK' AND withdrawn_at IS NULL`,
      [seeded.tenantId],
    )
  )[0]?.count ?? 0n

const text = (lines: readonly BankLine[], over: Partial<{ id: string; day: string; opening: bigint }> = {}): string =>
  mt940(lines, { id: '1/1', day: payDay, account: accountNumber, currency: 'VND', opening: 0n, ...over })

t.test('the same bytes are taken once; a refused file may come again', async (t) => {
  const stage = await reconciliationStage(t)
  const file = text([{ amount: 7_000n, reference: 'A' }])
  const first = await stage.importText(file)
  t.match(first, { status: 'IMPORTED', counts: { booked: 1n } })
  t.match(await stage.importText(file), { status: 'KNOWN', fileId: first.fileId })
  const foreign = file.replace(accountNumber, '000111')
  t.match(await stage.importText(foreign), { status: 'REFUSED', refusal: { code: 'ACCOUNT_UNKNOWN' } })
  t.match(await stage.importText(foreign), { status: 'REFUSED' })
  t.equal(await lineCount(stage), 1n)
})

t.test('the same bytes sent twice in the same moment are one file', async (t) => {
  const stage = await reconciliationStage(t)
  const file = text([{ amount: 7_000n, reference: 'A' }])
  const results = await Promise.all(Array.from({ length: 6 }, () => stage.importText(file)))
  t.equal(new Set(results.map(({ fileId }) => fileId)).size, 1)
  t.same(results.map(({ status }) => status).sort(), ['IMPORTED', ...Array.from({ length: 5 }, () => 'KNOWN')])
  t.equal(await lineCount(stage), 1n)
})

t.test('lines that another statement brought before are counted and not booked', async (t) => {
  const stage = await reconciliationStage(t)
  const shared = [
    { amount: 7_000n, reference: 'A' },
    { amount: 8_000n, text: 'khong ma' },
  ]
  await stage.importText(text(shared, { id: '10/1' }))
  const result = await stage.importText(text([...shared, { amount: 9_000n, reference: 'C' }], { id: '11/1' }))
  t.match(result, { status: 'IMPORTED', counts: { read: 3n, booked: 1n, known: 2n } })
  t.equal(await lineCount(stage), 3n)
})

t.test('equal lines without a bank reference are two payments, in one statement and over two days', async (t) => {
  const stage = await reconciliationStage(t)
  const line = { amount: 7_000n, text: 'nop phi' }
  t.match(await stage.importText(text([line, line])), { counts: { booked: 2n } })
  const monday = text([line], { id: '2/1', day: '2026-11-23', opening: 14_000n })
  t.match(await stage.importText(monday), { counts: { booked: 1n, known: 0n } })
})

t.test('a bank that credits one transaction again on the next day is believed: its balances say so', async (t) => {
  const stage = await reconciliationStage(t)
  const paid = await stage.pay()
  const line = { amount: paid.total, reference: paid.txn, valueDay: payDay }
  await stage.importText(text([line]))
  const next = text([line], { id: '2/1', day: '2026-11-23', opening: paid.total })
  t.match(await stage.importText(next), { counts: { booked: 1n, known: 0n } })
  await stage.run()
  t.match(await stage.breaks(), [{ class: 'DUPLICATE_CREDIT' }])
  t.same(await stage.violations(), [])
})

t.test('a corrected file supersedes only by an officer’s act; what both hold keeps its match', async (t) => {
  const stage = await reconciliationStage(t)
  const [kept, gone] = [await stage.pay(), await stage.pay()]
  const first = await stage.importText(
    text([
      { amount: kept.total, reference: kept.txn },
      { amount: gone.total, reference: gone.txn },
    ]),
  )
  await stage.run()
  const corrected = text([
    { amount: kept.total, reference: kept.txn },
    { amount: 1_234n, reference: 'NEW' },
  ])
  t.match(await stage.importText(corrected), {
    status: 'REFUSED',
    refusal: { code: 'CORRECTION', facts: { predecessor: first.fileId } },
  })
  t.equal(await lineCount(stage), 2n, 'nothing of it is stored')
  t.match(await stage.importText(corrected, anyStatement, first.fileId), { status: 'IMPORTED', counts: { booked: 2n } })
  await stage.run()
  const classes = (await stage.breaks()).map((entry) => entry.class).sort()
  t.same(classes, ['CUT_OFF', 'UNREFERENCED'], 'the payment waits again, the new line is looked at')
  t.same(await stage.violations(), [])
  const history = await stage.database.query<{ rule: string | null; ended: string | null }>(
    'SELECT rule, ended_on AS ended FROM reconciliation_items WHERE settlement_id = $1 ORDER BY id',
    [kept.settlementId],
  )
  t.same(history, [{ rule: 'RAIL_TRANSACTION', ended: null }])
})

t.test('a broken file is refused whole and names the line', async (t) => {
  const stage = await reconciliationStage(t)
  const file = text([{ amount: 7_000n, reference: 'A' }]).replace('C7000,', 'C7001,')
  t.match(await stage.importText(file), {
    status: 'REFUSED',
    refusal: { code: 'INTEGRITY', problems: [{ code: 'BALANCE_BROKEN', line: 6 }] },
  })
  t.equal(await lineCount(stage), 0n)
  const [row] = await stage.database.query<{ booked: bigint }>('SELECT booked_lines AS booked FROM statement_files', [])
  t.same(row, { booked: 0n })
})

t.test('killed in the middle of 100,000 lines, nothing of the file is there; started again, all of it', async (t) => {
  const stage = await reconciliationStage(t)
  const many = Array.from({ length: 100_000 }, (_, index) => ({
    amount: 7_000n,
    reference: `R${index}`,
    text: 'NOP LE PHI HO SO',
  }))
  const path = join(t.testdir(), 'large.sta')
  writeFileSync(path, text(many))
  const start = (): ChildProcess =>
    spawn(process.execPath, [program, 'reconcile', 'import', path, '--tenant', stage.seeded.tenantId, '--no-run'], {
      env: { ...process.env, DATABASE_URL: stage.url, NODE_OPTIONS: '', LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const killed = start()
  await new Promise<void>((resolve, reject) => {
    killed.stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('lines read')) resolve()
    })
    killed.once('exit', (code) => reject(new Error(`ended with ${code} before it could be killed`)))
  })
  const gone = new Promise((resolve) => killed.once('exit', resolve))
  killed.kill('SIGKILL')
  await gone
  t.equal(await lineCount(stage), 0n)
  t.match(await stage.database.query('SELECT status FROM statement_files', []), [{ status: 'LOADING' }])

  // The server notices the dead connection in its own time; until then the file is still being loaded for it.
  let out = ''
  for (let attempt = 0; attempt < 20 && !out.includes('booked'); attempt++) {
    const again = start()
    again.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    await new Promise((resolve) => again.once('close', resolve))
  }
  t.match(out, /large\.sta: 100000 lines booked, 0 known before/)
  t.equal(await lineCount(stage), 100_000n)
  t.match(
    await stage.database.query('SELECT status, refusal ->> $1 AS code FROM statement_files ORDER BY id', ['code']),
    [{ status: 'REFUSED', code: 'INTERRUPTED' }, { status: 'IMPORTED' }],
  )
})
