/** The finance officer's day over HTTP: a statement in, breaks out, two people, a closed day, files to take home. */
import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { cashAccount, counterDirectory } from '../harness/counter.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'
import { mt940 } from '../reconciliation/stage.ts'

type Json = Record<string, unknown>

async function office(t: Test) {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer })
  await gateway.load(
    testDirectory({
      railAccounts: [
        {
          id: 'vietqr-h56-14',
          rail: 'vietqr',
          beneficiaryAccountId: 'bac_h56-14-colle',
          titleVi: 'Chuyển khoản QR',
          titleEn: 'QR transfer',
          config: {
            bankBin: '970415',
            accountNumber: '113366668888',
            accountName: 'SO TU PHAP',
            source: { name: 'sepay', mode: 'hmac', secret: 'S'.repeat(32) },
          },
        },
      ],
    }),
  )
  const asOfficer = async (
    subject: string,
    roles: readonly string[] = ['finance.read', 'finance.resolve', 'finance.approve'],
    tenant = 'ten_thanhhoa',
  ) => {
    const { authorization = '' } = await officers.headers(roles, { sub: subject, tenant })
    return {
      call: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
        callApi(gateway.url, method, path, body, { authorization, ...headers }),
      upload: async (text: string, query = '', key: string = randomUUID()) => {
        const form = new FormData()
        form.append('file', new Blob([text]), 'day.sta')
        const answer = await fetch(`${gateway.url}/v1/finance/statement-files${query}`, {
          method: 'POST',
          headers: { authorization, 'idempotency-key': key },
          body: form,
        })
        return {
          status: answer.status,
          replayed: answer.headers.get('idempotency-replayed'),
          json: (await answer.json()) as Json,
        }
      },
    }
  }
  return { gateway, asOfficer }
}

/** Waits until the file is loaded and its run is over. */
async function loaded(
  officer: { call: (method: string, path: string) => Promise<{ json: Json }> },
  id: string,
): Promise<Json> {
  for (let waited = 0; waited < 20_000; waited += 50) {
    const { json } = await officer.call('GET', `/v1/finance/statement-files/${id}`)
    if (json.status === 'REFUSED' || json.reconciled === true) return json
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the file was not loaded in 20 s')
}

const statement = (lines: Parameters<typeof mt940>[0], id = '1/1', opening = 0n, day = '2026-11-19'): string =>
  mt940(lines, { id, day, account: '113366668888', currency: 'VND', opening })

const issued = async (gateway: TestGateway): Promise<{ id: string; payCode: string; total: number }> => {
  const { json } = await gateway.api('POST', '/v1/invoices', anInvoice())
  return json as unknown as { id: string; payCode: string; total: number }
}

t.test(
  'an uploaded statement pays the invoice it names; what it does not name is a break an officer can read',
  async (t) => {
    const { gateway, asOfficer } = await office(t)
    const lan = await asOfficer('lan')
    const invoice = await issued(gateway)
    const text = statement([
      { amount: BigInt(invoice.total), reference: 'FT1', text: `NOP LE PHI ${invoice.payCode}` },
      { amount: 91_000n, reference: 'FT2', text: '=HYPERLINK("http://evil")' },
    ])
    const key = randomUUID()
    const first = await lan.upload(text, '', key)
    t.equal(first.status, 202, JSON.stringify(first.json))
    const id = String(first.json.id)
    t.match(await loaded(lan, id), { status: 'IMPORTED', readLines: 2, bookedLines: 2, refusal: null })
    const again = await lan.upload(text, '', key)
    t.match(again, { status: 202, replayed: 'true', json: { id } }, 'the same request')
    t.match((await lan.upload(text)).json, { id }, 'the same bytes under another key: still the same file')
    t.equal((await lan.upload(`${text} `, '', key)).status, 422, 'another file under the same key')

    t.match((await gateway.api('GET', `/v1/invoices/${invoice.id}`)).json, { status: 'PAID' })
    const breaks = await lan.call('GET', '/v1/finance/breaks?status=OPEN&class=UNREFERENCED')
    t.match(breaks.json, {
      breaks: [{ class: 'UNREFERENCED', amount: 91_000, ageing: '0-1', owner: null }],
      nextCursor: null,
    })
    const lines = await lan.call('GET', `/v1/finance/statement-files/${id}/lines?limit=1`)
    t.match(lines.json, { lines: [{ direction: 'CREDIT', place: /^mat_/ }], nextCursor: /^lin_/ })
    const rest = await lan.call(
      'GET',
      `/v1/finance/statement-files/${id}/lines?cursor=${String(lines.json.nextCursor)}`,
    )
    t.match(rest.json, { lines: [{ place: /^brk_/, raw: /HYPERLINK/ }], nextCursor: null })
    t.match((await lan.call('GET', '/v1/finance/reconciliation/check')).json, { holds: true, violations: [] })
    t.match((await lan.call('GET', '/v1/finance/reconciliation/matches')).json, {
      matches: [{ rule: 'RAIL_TRANSACTION', ruleSetVersion: 2 }],
    })

    const csv = await lan.call('GET', '/v1/finance/exports/breaks?format=csv')
    t.match(csv.headers.get('content-type'), /text\/csv/)
    t.match(csv.text, /UNREFERENCED/)
    const matched = await lan.call('GET', '/v1/finance/exports/matches?from=2026-11-01&to=2026-11-30&format=csv')
    t.match(matched.text, /RAIL_TRANSACTION/)
    const xlsx = await lan.call('GET', '/v1/finance/exports/breaks?format=xlsx')
    t.match(xlsx.headers.get('content-type'), /spreadsheetml/)
    t.ok(xlsx.text.startsWith('PK'))
    const document = await lan.call('GET', `/v1/finance/exports/statements/${id}`)
    t.match(document.json, {
      Stmt: [
        {
          Acct: { Id: { Othr: { Id: '113366668888' } } },
          Ntry: [{ CdtDbtInd: 'CRDT', Xpln: { rule: 'RAIL_TRANSACTION' } }, {}],
        },
      ],
    })
  },
)

t.test('a broken file is refused whole, with line numbers; the same bytes as a stream are the same file', async (t) => {
  const { gateway, asOfficer } = await office(t)
  const lan = await asOfficer('lan')
  const broken = statement([{ amount: 5_000n, reference: 'A' }]).replace('C261119VND5000,', 'C261119VND6000,')
  const { json } = await lan.upload(broken)
  t.match(await loaded(lan, String(json.id)), {
    status: 'REFUSED',
    bookedLines: 0,
    refusal: { code: 'INTEGRITY', problems: [{ code: 'BALANCE_BROKEN', line: Number }] },
  })
  t.same(await gateway.database.query('SELECT id FROM statement_lines', []), [], 'nothing of it is stored')

  const sound = statement([{ amount: 5_000n, reference: 'A' }])
  const stream = await lan.call('POST', '/v1/finance/statement-files?name=day.sta', sound, {
    'content-type': 'application/octet-stream',
  })
  t.equal(stream.status, 202, stream.text)
  t.match(await loaded(lan, String(stream.json.id)), { status: 'IMPORTED', name: 'day.sta' })
  t.match((await lan.upload(sound)).json, { id: stream.json.id })
  const other = statement([{ amount: 5_000n, reference: 'A' }]).replace(':25:113366668888', ':25:999')
  const foreign = await lan.upload(other)
  t.match(await loaded(lan, String(foreign.json.id)), {
    refusal: { code: 'ACCOUNT_UNKNOWN', facts: { account: '999' } },
  })
})

t.test('roles: reading, resolving and approving are different doors; another tenant sees nothing', async (t) => {
  const { gateway, asOfficer } = await office(t)
  const lan = await asOfficer('lan', ['finance.read', 'finance.resolve'])
  const reader = await asOfficer('doc', ['finance.read'])
  t.equal((await reader.upload(statement([]))).status, 403)
  const file = await lan.upload(statement([{ amount: 33_000n, reference: 'X' }]))
  await loaded(lan, String(file.json.id))
  const { json } = await reader.call('GET', '/v1/finance/breaks')
  const [found] = json.breaks as unknown as { id: string }[]
  const at = `/v1/finance/breaks/${found?.id}`
  t.equal((await reader.call('POST', `${at}/comments`, { text: 'xem' })).status, 403)
  t.match((await lan.call('POST', `${at}/comments`, { text: 'đã hỏi ngân hàng' })).json, {
    history: [{ kind: 'COMMENT', text: 'đã hỏi ngân hàng', actor: 'lan' }, { kind: 'OPENED' }],
  })
  t.match((await lan.call('POST', `${at}/owner`, { owner: 'lan' })).json, { owner: 'lan' })
  t.match((await reader.call('GET', '/v1/finance/breaks?owner=lan')).json.breaks, [{ owner: 'lan' }])
  const proposed = await lan.call('POST', `${at}/resolutions`, { action: 'OPEN_REFUND', reason: 'không rõ người gửi' })
  t.equal(proposed.status, 200, proposed.text)
  const [resolution] = proposed.json.resolutions as unknown as { id: string }[]
  const decision = `${at}/resolutions/${resolution?.id}/approve`
  t.equal((await lan.call('POST', decision)).status, 403, 'no role')
  const both = await asOfficer('lan')
  t.match((await both.call('POST', decision)).json, { code: 'FOUR_EYES' }, 'the role, and the same person')
  const minh = await asOfficer('minh')
  t.match((await minh.call('POST', decision)).json, {
    status: 'RESOLVED',
    resolutions: [{ status: 'APPROVED', decidedBy: 'minh' }],
  })
  t.match((await minh.call('POST', `${at}/resolutions`, { action: 'WAIT', reason: 'chờ', until: '2026-12-01' })).json, {
    code: 'BREAK_NOT_OPEN',
  })
  const [refund] = await gateway.database.query<{ origin: string }>('SELECT origin FROM refunds', [])
  t.same(refund, { origin: 'ORPHAN' })

  await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H57.1', railAccounts: [] }))
  const stranger = await asOfficer('x', ['finance.read'], 'ten_other')
  t.equal((await stranger.call('GET', at)).status, 404)
  t.same((await stranger.call('GET', '/v1/finance/breaks')).json.breaks, [])
  t.equal((await stranger.call('GET', `/v1/finance/statement-files/${String(file.json.id)}/lines`)).status, 404)
  const closer = await asOfficer('x', ['finance.resolve'], 'ten_other')
  const day = '/v1/finance/reconciliation/accounts/vietqr-h56-14/days/2026-11-19'
  t.equal((await closer.call('POST', `${day}/close`, {})).status, 404)
  const nobody = await asOfficer('x', ['finance.read', 'finance.resolve'], 'ten_nowhere')
  t.match((await nobody.call('POST', '/v1/finance/reconciliation/runs')).json, { code: 'FORBIDDEN', status: 403 })
  t.match((await nobody.call('GET', '/v1/finance/breaks')).json, { code: 'FORBIDDEN' })
})

t.test(
  'cash of a shift is on the list from its hand-over to its deposit, and in no report of unexplained money',
  async (t) => {
    const { gateway, asOfficer } = await office(t)
    await gateway.load({ ...counterDirectory([cashAccount]) })
    const clerk = await asOfficer('motcua01', ['counter'], 'ten_thanhhoa')
    const lan = await asOfficer('lan')
    const opened = await clerk.call('POST', '/v1/counter/shifts', { openingCash: 0, unitCode: 'H56.301' })
    const invoice = await issued(gateway)
    const taken = await clerk.call('POST', '/v1/counter/collections', { invoiceId: invoice.id })
    t.equal(taken.status, 201, taken.text)
    const shift = await clerk.call('POST', `/v1/counter/shifts/${String(opened.json.id)}/close`, { countedCash: 7_000 })
    const [{ code } = { code: '' }] = shift.json.handovers as unknown as { code: string }[]
    await lan.call('POST', '/v1/finance/reconciliation/runs')
    const list = async () => (await lan.call('GET', '/v1/finance/cash-handovers?limit=5')).json
    t.match(await list(), { handovers: [{ state: 'WAITING', code, amount: 7_000, place: /^brk_/, depositedOn: null }] })
    const unexplained = async () => (await lan.call('GET', '/v1/finance/reports/unexplained')).json.rows
    t.same(await unexplained(), [])
    const file = await lan.upload(
      statement(
        [
          { amount: 7_000n, reference: 'TM1', text: `nop tien mat ${code}` },
          { amount: 91_000n, reference: 'FT2', text: 'CHUC MUNG' },
        ],
        '1/1',
        0n,
        '2026-11-20',
      ),
    )
    await loaded(lan, String(file.json.id))
    t.match(await list(), { handovers: [{ state: 'DEPOSITED', depositedOn: '2026-11-20', place: /^mat_/ }] })
    t.match((await lan.call('GET', '/v1/finance/cash-handovers?state=WAITING')).json, { handovers: [] })
    t.match(await unexplained(), [{ source: 'BREAK', kind: 'UNREFERENCED', age: '0-1', items: 1, amount: 91_000 }])
  },
)

t.test('the day is closed over HTTP, with a reason and a second person while money is unexplained', async (t) => {
  const { asOfficer } = await office(t)
  const [lan, minh] = [await asOfficer('lan'), await asOfficer('minh')]
  const file = await lan.upload(statement([{ amount: 44_000n, reference: 'Y' }]))
  await loaded(lan, String(file.json.id))
  const account = '/v1/finance/reconciliation/accounts/vietqr-h56-14/days/2026-11-19'
  t.match((await lan.call('GET', account)).json, { opening: 0, closing: 0, unexplained: { count: 1, amount: 44_000 } })
  t.match((await lan.call('POST', `${account}/close`, {})).json, { code: 'DAY_HAS_OPEN_BREAKS' })
  const proposed = await lan.call('POST', `${account}/close`, { reason: 'ngân hàng đang tra soát' })
  t.match(proposed.json, { status: 'PROPOSED' }, proposed.text)
  const approval = `/v1/finance/reconciliation/days/${String(proposed.json.id)}/approve`
  t.match((await lan.call('POST', approval)).json, { code: 'FOUR_EYES' })
  t.match((await minh.call('POST', approval)).json, {
    status: 'CLOSED',
    approvedBy: 'minh',
    figures: { unexplained: { amount: 44_000 } },
  })
  t.match((await minh.call('POST', approval)).json, { code: 'DAY_NOT_CLOSABLE' })
  t.match((await minh.call('GET', '/v1/finance/reconciliation/days')).json, { days: [{ status: 'CLOSED' }] })
})

t.test('a CSV is read by the mapping of its source; a corrected file needs an officer to say so', async (t) => {
  const { asOfficer } = await office(t)
  const lan = await asOfficer('lan')
  const source = await lan.call('POST', '/v1/finance/statement-sources', {
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
  })
  t.match(source.json, { name: 'vcb-csv', version: 1 }, source.text)
  const csv = (amount: string): string => `Ngày,Số CT,Nội dung,Nợ,Có\n19/11/2026,FT9,NOP PHI,,${amount}\n`
  const file = await lan.upload(csv('25.000'), '?source=vcb-csv')
  t.match(await loaded(lan, String(file.json.id)), { status: 'IMPORTED', format: 'csv' })
  const corrected = await lan.upload(csv('26.000'), '?source=vcb-csv')
  const refused = await loaded(lan, String(corrected.json.id))
  t.match(refused, { status: 'REFUSED', refusal: { code: 'CORRECTION', facts: { predecessor: file.json.id } } })
  const accepted = await lan.upload(csv('26.000'), `?source=vcb-csv&supersedes=${String(file.json.id)}`)
  t.match(await loaded(lan, String(accepted.json.id)), { status: 'IMPORTED', supersedesId: file.json.id })
  t.match((await lan.call('GET', `/v1/finance/statement-files/${String(file.json.id)}`)).json, { status: 'SUPERSEDED' })
  const open = await lan.call('GET', '/v1/finance/breaks?status=OPEN')
  t.match(open.json, { breaks: [{ amount: 26_000 }] })
  t.equal((open.json.breaks as unknown as unknown[]).length, 1, 'the line of the old file is taken back with its break')
  t.match((await lan.upload(csv('1.000'), '?source=nobody')).json, { code: 'STATEMENT_SOURCE_UNKNOWN' })
})
