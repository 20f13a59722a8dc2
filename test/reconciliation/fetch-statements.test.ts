/** A bank that gives its statement when it is asked: the simulated VietinBank, through its adapter, into a run. */
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { allAdapters } from '../../adapters/registry.ts'
import { createCircuitBreaker } from '../../src/network/circuit-breaker.ts'
import { createHttpCaller } from '../../src/network/http-caller.ts'
import { createRailAccounts } from '../../src/rails/accounts.ts'
import { createDesk } from '../../src/reconciliation/desk.ts'
import { fetchDue } from '../../src/reconciliation/fetch-statements.ts'
import { makeContext } from '../../src/sandbox/context.ts'
import { makeRsaPair } from '../../src/sandbox/rails/rsa-text.ts'
import { startVietinbank } from '../../src/sandbox/rails/vietinbank.ts'
import { anInvoice, callApi, testDirectory, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'

const [bankKeys, gatewayKeys] = await Promise.all([makeRsaPair(), makeRsaPair()])
/** Local time of a day. */
const at = (day: string, time: string): Date => new Date(`${day}T${time}:00+07:00`)
const day = '2026-11-20'
const nextDay = '2026-11-21'

async function office(t: Test) {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer })
  const { database, environment, vault } = gateway
  const bank = await startVietinbank(makeContext({ clock: environment }), {
    ...{ bankKeys, gatewayKeys, clientId: 'id', clientSecret: 'secret' },
  })
  const calls = createHttpCaller()
  t.teardown(() => Promise.all([bank.close(), calls.close()]))
  const account = (id: string, noticeProviderId: string) => ({
    id,
    rail: 'vietinbank',
    beneficiaryAccountId: 'bac_h56-14-colle',
    titleVi: 'VietinBank',
    titleEn: 'VietinBank',
    config: { ...bank.accountConfig(), noticeProviderId, timeoutMs: 2_000 },
  })
  // Two rail accounts of one bank account: it is asked about once.
  await gateway.load(testDirectory({ railAccounts: [account('vtb-a', '9111'), account('vtb-b', '9112')] }))
  const log = pino({ level: 'silent' })
  const options = {
    ...{ database, environment, log, serverIp: '127.0.0.1', adapters: allAdapters(), call: calls.call },
    railAccounts: createRailAccounts(database, environment, vault, (id, error) => t.fail(`${id}: ${String(error)}`)),
    desk: createDesk({ database, environment, vault, settler: gateway.gateway.settler, log }),
    breaker: createCircuitBreaker({ now: environment.now }),
  }
  const invoice = async () => {
    const { json } = await gateway.api('POST', '/v1/invoices', anInvoice())
    return { id: String(json.id), payCode: String(json.payCode), total: BigInt(Number(json.total)) }
  }
  const listed = async (query: string) =>
    (
      await callApi(
        gateway.url,
        'GET',
        `/v1/finance/statement-fetches${query}`,
        undefined,
        await officers.headers(['finance.read']),
      )
    ).json
  return {
    gateway,
    bank,
    listed,
    invoice,
    look: async (when: Date) => {
      environment.set(when)
      return await fetchDue(options)
    },
    fetches: () =>
      database.query<{ day: string; status: string; tries: number; error: string | null; name: string | null }>(
        `SELECT f.business_date AS day, f.status, f.tries, f.last_error AS error, s.name
           FROM statement_fetches f LEFT JOIN statement_files s ON s.id = f.file_id ORDER BY f.business_date`,
        [],
      ),
  }
}

t.test('each day that is over is asked about once, and what only the bank knows of is settled', async (t) => {
  const { gateway, bank, invoice, look, fetches } = await office(t)
  const [told, lost] = [await invoice(), await invoice()]
  bank.callbackUrl = `${gateway.url}/callbacks/vietinbank/vtb-a`
  await bank.credit({ amount: told.total, remark: `NOP PHI ${told.payCode}` })
  bank.callbackUrl = null
  await bank.credit({ amount: lost.total, remark: 'NOP PHI', custCode: `1GOV${lost.payCode}` })
  t.equal(await look(at(day, '23:00')), 1, 'the day before; this one is not over')
  t.equal(await look(at(nextDay, '05:30')), 0, 'too early')
  t.equal(await look(at(nextDay, '06:30')), 1)
  t.match((await fetches()).at(-1), { day, status: 'TAKEN', tries: 1, error: null, name: `vtb-a ${day}` })
  const [file] = await gateway.database.query(
    'SELECT origin, status, format, booked_lines AS booked FROM statement_files ORDER BY id DESC',
    [],
  )
  t.match(file, { origin: 'BANK', status: 'IMPORTED', format: 'api', booked: 2n })
  const paid = await gateway.database.query<{ id: string; status: string; source: string; rule: string | null }>(
    `SELECT i.id, i.status, s.source, m.rule FROM invoices i JOIN settlements s ON s.invoice_id = i.id
       LEFT JOIN reconciliation_items m ON m.settlement_id = s.id AND m.ended_on IS NULL ORDER BY s.source`,
    [],
  )
  t.same(paid, [
    { id: told.id, status: 'PAID', source: 'CALLBACK', rule: 'TEXT_REFERENCE' },
    { id: lost.id, status: 'PAID', source: 'STATEMENT', rule: 'RAIL_TRANSACTION' },
  ])
  t.equal(await look(at(nextDay, '12:00')), 0, 'once')
  t.equal(await look(at('2026-11-24', '07:00')), 3, 'and every day since, once the gateway is there again')
  t.same(
    (await fetches()).map((fetch) => fetch.status),
    ['TAKEN', 'TAKEN', 'TAKEN', 'TAKEN', 'TAKEN'],
  )
  const gaps = await gateway.database.query(`SELECT id FROM breaks WHERE class = 'BALANCE_GAP'`, [])
  t.same(gaps, [], 'an empty day opens and closes with the balance before it')
})

t.test(
  'an answer that cannot be believed brings nothing; the bank is asked again, and given up in the end',
  async (t) => {
    const { gateway, bank, listed, look, fetches } = await office(t)
    await bank.credit({ amount: 9_000n, remark: 'X' })
    bank.behaviour.misbehave({ badSignature: true })
    t.equal(await look(at(nextDay, '07:00')), 1)
    t.match(await fetches(), [{ status: 'WAITING', tries: 1, error: /not signed by the bank/ }])
    t.equal(await look(at(nextDay, '07:05')), 0, 'not at once')
    bank.behaviour.misbehave({ badSignature: false })
    const both = await Promise.all([look(at(nextDay, '07:11')), look(at(nextDay, '07:11'))])
    t.same(both.sort(), [0, 1], 'one of two replicas')
    t.match(await fetches(), [{ status: 'TAKEN', tries: 2, error: null }])

    await gateway.database.query(
      `UPDATE statement_fetches SET status = 'WAITING', file_id = NULL, tries = 47, next_try_at = $1`,
      [at(nextDay, '08:00')],
    )
    await bank.close()
    t.equal(await look(at(nextDay, '08:00')), 1)
    t.match(await fetches(), [{ status: 'GIVEN_UP', tries: 48, error: /no answer/ }])
    t.equal(await look(at(nextDay, '23:00')), 0)
    t.match(await listed('?status=GIVEN_UP'), {
      fetches: [{ railAccountId: 'vtb-a', businessDate: day, status: 'GIVEN_UP', nextTryAt: null, fileId: null }],
      nextCursor: null,
    })
    t.match(await listed(`?cursor=${day}%20vtb-a`), { fetches: [] })
  },
)
