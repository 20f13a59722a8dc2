import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createDesk } from '../../src/reconciliation/desk.ts'
import { watchFolder } from '../../src/reconciliation/watched-folder.ts'
import { testVault } from '../harness/vault.ts'
import { accountNumber, mt940, payDay, reconciliationStage } from './stage.ts'

const log = pino({ level: 'silent' })

async function watched(t: Test) {
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
  const { database, environment, settler, seeded } = stage
  const folder = t.testdir()
  const home = join(folder, seeded.tenantId)
  mkdirSync(home)
  const desk = createDesk({ database, environment, vault: testVault(), settler, log })
  const watch = () => watchFolder({ folder, database, environment, desk, log })
  const one = watch()
  /** A look, ten seconds, another look. */
  const settle = async (): Promise<number> => {
    await one.round()
    environment.advance(10_000)
    return await one.round()
  }
  const text = (id = '1/1') =>
    mt940([{ amount: 9_000n, reference: `R${id}` }], {
      id,
      day: payDay,
      account: accountNumber,
      currency: 'VND',
      opening: 0n,
    })
  return { stage, home, one, watch, settle, text }
}

const listed = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])

t.test('a file is taken when it stands still, booked, reconciled and put with the done ones', async (t) => {
  const { stage, home, one, settle, text } = await watched(t)
  const path = join(home, 'vcb.sta')
  const whole = text()
  writeFileSync(path, whole.slice(0, 60))
  t.equal(await one.round(), 0, 'just seen')
  stage.environment.advance(10_000)
  appendFileSync(path, whole.slice(60, 90))
  t.equal(await one.round(), 0, 'still growing')
  appendFileSync(path, whole.slice(90))
  t.equal(await settle(), 1)
  t.same(listed(join(home, 'done', payDay)), ['vcb.sta'])
  t.same(listed(join(home, 'working')), [])
  t.match(await stage.breaks(), [{ class: 'UNREFERENCED' }], 'reconciled at once')
  writeFileSync(path, whole)
  await settle()
  t.same(
    listed(join(home, 'done', payDay)),
    ['vcb.sta', 'vcb.sta.2'],
    'the same file again: known, nothing overwritten',
  )
})

t.test('a bad file is quarantined with its reason, and the good one beside it is taken', async (t) => {
  const { stage, home, settle, text } = await watched(t)
  writeFileSync(join(home, 'bad.sta'), text().replace('C9000,', 'C9001,'))
  writeFileSync(join(home, 'good.sta'), text('2/1'))
  t.equal(await settle(), 2)
  t.same(listed(join(home, 'quarantine')), ['bad.sta', 'bad.sta.reason.txt'])
  t.match(readFileSync(join(home, 'quarantine', 'bad.sta.reason.txt'), 'utf8'), /INTEGRITY[\s\S]*line 6/)
  t.same(listed(join(home, 'done', payDay)), ['good.sta'])
  t.equal((await stage.database.query('SELECT id FROM statement_lines', [])).length, 1)
})

t.test('half-written names, links and folders are left alone; a rename makes a file ready', async (t) => {
  const { stage, home, settle, text } = await watched(t)
  for (const name of ['a.sta.part', '.hidden', 'b.tmp', 'c.filepart']) writeFileSync(join(home, name), text())
  symlinkSync('/etc/hostname', join(home, 'link.sta'))
  mkdirSync(join(home, 'folder.sta'))
  t.equal(await settle(), 0)
  renameSync(join(home, 'a.sta.part'), join(home, 'a.sta'))
  t.equal(await settle(), 1)
  t.equal((await stage.database.query('SELECT id FROM statement_lines', [])).length, 1)
})

t.test('two replicas take a file once; one that a dead process left is taken back after an hour', async (t) => {
  const { stage, home, one, watch, text } = await watched(t)
  const other = watch()
  writeFileSync(join(home, 'x.sta'), text())
  await Promise.all([one.round(), other.round()])
  stage.environment.advance(10_000)
  const dealt = await Promise.all([one.round(), other.round()])
  t.equal(dealt[0] + dealt[1], 1)
  mkdirSync(join(home, 'working'), { recursive: true })
  writeFileSync(join(home, 'working', 'left.sta'), text('3/1'))
  await one.round()
  t.same(listed(join(home, 'working')), ['left.sta'], 'not yet')
  stage.environment.set(new Date(Date.now() + 2 * 60 * 60 * 1000))
  await one.round()
  t.same(listed(join(home, 'working')), [])
  t.ok(existsSync(join(home, 'left.sta')))
})
