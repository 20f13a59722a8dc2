import { pino } from 'pino'
import t from 'tap'
import { runDue } from '../../src/reconciliation/daily.ts'
import { reconciliationStage } from './stage.ts'

t.test('a tenant is run once a day from six in the morning, so that waiting payments become real breaks', async (t) => {
  const stage = await reconciliationStage(t, { rail: 'vietqr' })
  const { database, environment, settler } = stage
  const options = { database, environment, settler, log: pino({ level: 'silent' }) }
  const at = async (time: string): Promise<number> => {
    environment.set(new Date(time))
    return await runDue(options)
  }
  await stage.pay()
  t.equal(await at('2026-11-21T02:00:00Z'), 0, 'nobody has ever given a statement')
  await stage.statement([])
  t.equal(await at('2026-11-22T22:59:00Z'), 0, 'before six')
  t.equal(await at('2026-11-22T23:01:00Z'), 1)
  t.equal(await at('2026-11-23T05:00:00Z'), 0, 'once a day')
  t.match(await stage.breaks(), [{ class: 'CUT_OFF' }])
  t.equal(await at('2026-11-30T02:00:00Z'), 1)
  t.match(await stage.breaks(), [{ class: 'MISSING_IN_BANK' }])
  t.same(await stage.violations(), [])
})
