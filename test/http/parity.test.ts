/** Officers read what the sweeper found: their own tenant's, page by page, and only with a role for it. */
import t from 'tap'
import { parityClasses } from '../../src/domain/parity.ts'
import { insertAll } from '../../src/store/rows.ts'
import { callApi, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'
import { anId } from '../harness/seed.ts'

t.test('findings are listed by state, class and cursor, each with what to do', async (t) => {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer, redis: null })
  const at = gateway.environment.now()
  await insertAll(gateway.database, 'tenants', [{ id: 'ten_other', name: 'Tỉnh khác', created_at: at }])
  const row = (over: object) => ({
    id: anId('pfd'),
    tenant_id: 'ten_thanhhoa',
    code: 'SETTLEMENT_UNBOOKED',
    subject: anId('stl'),
    detail: 'APPLIED 7000',
    found_at: at,
    checked_at: at,
    resolved_at: null,
    resolution: null,
    ...over,
  })
  const rows = [
    row({}),
    row({}),
    row({ code: 'PAID_WITHOUT_RECEIPT', resolved_at: at, resolution: 'REPAIRED' }),
    row({ tenant_id: 'ten_other' }),
  ]
  await insertAll(gateway.database, 'parity_findings', rows)
  const headers = await officers.headers(['ops'])
  const get = (query: string) => callApi(gateway.url, 'GET', `/v1/ops/parity${query}`, undefined, headers)
  const first = await get('?limit=1')
  t.match(first.json, {
    findings: [
      {
        code: 'SETTLEMENT_UNBOOKED',
        severity: 'money',
        remedy: parityClasses.SETTLEMENT_UNBOOKED.remedy,
        resolvedAt: null,
      },
    ],
    nextCursor: /^pfd_/,
  })
  const second = await get(`?limit=1&cursor=${String(first.json.nextCursor)}`)
  t.match(second.json, { findings: [{}], nextCursor: null })
  t.match((await get('?state=RESOLVED')).json, { findings: [{ resolution: 'REPAIRED' }], nextCursor: null })
  t.equal(((await get('?state=ALL')).json.findings as unknown as object[]).length, 3, 'and none of another tenant')
  t.match((await get('?state=ALL&code=PAID_WITHOUT_RECEIPT')).json, { findings: [{ code: 'PAID_WITHOUT_RECEIPT' }] })
  t.equal((await get('?code=NOTHING')).status, 400)
  const without = await callApi(
    gateway.url,
    'GET',
    '/v1/ops/parity',
    undefined,
    await officers.headers(['finance.approve']),
  )
  t.equal(without.status, 403)
})
