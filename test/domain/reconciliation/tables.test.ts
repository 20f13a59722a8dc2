import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { sequenceId, sequenceNumber } from '../../../src/domain/ids.ts'
import { breakActions, breakClasses, unexplainedClasses } from '../../../src/domain/reconciliation/breaks.ts'
import { ruleSet } from '../../../src/domain/reconciliation/rules.ts'

t.test('every class has its words, and only actions that exist', async (t) => {
  const codes = breakClasses.map(({ code }) => code)
  t.equal(new Set(codes).size, codes.length)
  t.equal(codes.length, 23)
  for (const entry of breakClasses) {
    for (const words of [entry.meaningVi, entry.meaningEn, entry.actionVi, entry.actionEn])
      t.ok(words.length > 3, entry.code)
    for (const action of entry.actions) t.ok(action in breakActions, `${entry.code} ${action}`)
    t.equal(entry.clearsItself, entry.code === 'CUT_OFF' || entry.code === 'CASH_ON_HAND')
  }
})

t.test('the page for officers names every class', async (t) => {
  const page = readFileSync(new URL('../../../docs/reconciliation.md', import.meta.url), 'utf8')
  for (const { code } of breakClasses) t.ok(page.includes(`\`${code}\``), code)
})

t.test('the report of unexplained money leaves out exactly the classes that are none', async (t) => {
  const migration = new URL('../../../src/store/migrations/0012_cash_breaks.sql', import.meta.url)
  const list = /b\.class NOT IN \(([^)]*)\)/.exec(readFileSync(migration, 'utf8'))?.[1] ?? ''
  const leftOut = list.split(',').map((code) => code.trim().replaceAll("'", ''))
  const others = breakClasses.map(({ code }) => code).filter((code) => !unexplainedClasses.includes(code))
  t.same(leftOut.sort(), others.sort())
})

t.test('whoever changes the rules raises their version', async (t) => {
  const digest = createHash('sha256').update(JSON.stringify(ruleSet)).digest('hex').slice(0, 16)
  t.same([ruleSet.version, digest], [2, '31f106ce3c5c272b'])
})

t.test('numbers of the database make ids that sort like them and come back', async (t) => {
  const numbers = [1n, 31n, 32n, 1_000_000n, 2n ** 62n]
  const ids = numbers.map((number) => sequenceId('brk', number))
  t.same([...ids].sort(), ids)
  t.same(
    ids.map((id) => sequenceNumber('brk', id)),
    numbers,
  )
  for (const wrong of [
    'brk_1',
    'lin_00000000000000000000000001',
    `brk_${'z'.repeat(26)}`,
    'brk_0000000000000000000000000I',
  ])
    t.equal(sequenceNumber('brk', wrong), null, wrong)
})
