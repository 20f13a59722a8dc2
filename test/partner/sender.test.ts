/** The national portal sends payers to us, end to end: INIT, our pay page, the result pushed back, QUERY, GET_BILL. */
import t, { type Test } from 'tap'
import type { Directory } from '../../src/directory/load.ts'
import { makeContext } from '../../src/sandbox/context.ts'
import { type NationalSender, startNationalSender } from '../../src/sandbox/rails/national-sender.ts'
import { type Banks, testBanks } from '../harness/banks.ts'
import { testCounter } from '../harness/counter.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'

const secret = 'secret-of-the-portal'
const token = 'token-of-the-portal'

type World = Banks & { sender: NationalSender; load(over?: object): Promise<void> }

async function world(t: Test, over: { background?: boolean; issuer?: string } = {}): Promise<World> {
  const banks = await testBanks(t, {
    background: over.background ?? true,
    ...(over.issuer === undefined ? {} : { officerIssuer: over.issuer }),
  })
  const { gateway } = banks
  const sender = await startNationalSender(makeContext({ clock: gateway.environment }), {
    ...{ partnerCode: 'QUOCGIA', secret, bearerToken: token },
  })
  t.teardown(() => sender.close())
  const load = async (change: object = {}): Promise<void> => {
    await gateway.load({
      ...testDirectory({ railAccounts: banks.railAccounts }),
      portalPartners: [partnerOf(sender, change)],
    })
    gateway.environment.advance(6_000)
  }
  await load()
  sender.gatewayUrl = `${gateway.url}/partners/dvcqg`
  return { ...banks, sender, load }
}

function partnerOf(sender: NationalSender, change: object = {}): NonNullable<Directory['portalPartners']>[number] {
  return { id: 'dvcqg', name: 'Cổng DVC quốc gia', config: sender.senderConfig(), ...change }
}

type Issued = { id: string; dossierCode: string; payCode: string; payUrl: string; amount: bigint }

async function issue(gateway: TestGateway, over: Record<string, unknown> = {}): Promise<Issued> {
  const { status, json, text } = await gateway.api('POST', '/v1/invoices', anInvoice(over))
  if (status !== 201) throw new Error(text)
  return {
    id: String(json.id),
    dossierCode: String(json.dossierCode),
    payCode: String(json.payCode),
    payUrl: String(json.payUrl),
    amount: BigInt(Number(json.total)),
  }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isTrue()); waited += 20) {
    if (waited > 15_000) throw new Error('it did not come true within 15 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function rowsOf({ database }: TestGateway, table: string): Promise<Record<string, unknown>[]> {
  return await database.query(`SELECT * FROM ${table}`, [])
}

function referenceOf(sender: NationalSender): string {
  return [...sender.orders.keys()].at(-1) ?? ''
}

t.test(
  'a payer who is sent to us pays on our page, and the portal gets a signed result, the state and a confirmation',
  async (t) => {
    const { gateway, generic, sender } = await world(t)
    const invoice = await issue(gateway)
    const answer = await sender.init(invoice)
    t.same([answer.errorCode, answer.payUrl], ['0', invoice.payUrl])
    t.equal((await fetch(answer.payUrl ?? '')).status, 200)
    const reference = referenceOf(sender)
    t.match(await sender.query(reference), { TrangThaiGD: '3', MaLoi: '99' })
    t.match(await sender.getBill(reference), { errorCode: '02' })
    await generic.pay(invoice)
    await until(() => sender.orders.get(reference)?.results.length === 1)
    const [settlement] = await rowsOf(gateway, 'settlements')
    t.match(sender.orders.get(reference)?.results, [
      {
        MaLoi: '00',
        SoTien: '7000',
        MaGiaoDich: settlement?.id,
        MaDoiTac: 'QUOCGIA',
        ThongTinGiaoDich: new RegExp(invoice.dossierCode),
      },
    ])
    t.match(await sender.query(reference), { TrangThaiGD: '1', MaLoi: '00', MaGiaoDich: settlement?.id })
    const bill = await sender.getBill(reference)
    t.match(bill, { pdf: /XAC NHAN THANH TOAN/ })
    t.match(bill, { pdf: /Khong thay bien lai/ })
    t.match(bill, { pdf: new RegExp(`Ma ho so / Dossier: ${invoice.dossierCode}[\\s\\S]*7\\.000 VND`) })
    t.same(sender.refusedResults, [])
    const evidence = await rowsOf(gateway, 'partner_messages')
    t.same(evidence.map(({ operation, verdict }) => `${operation} ${verdict}`).sort(), [
      'get-bill paid',
      'get-bill pending',
      'init accepted',
      'query paid',
      'query pending',
    ])
    t.notMatch(JSON.stringify(evidence), /001199000001|NGUYEN VAN A/, 'of the payer nothing is kept')
  },
)

t.test('the confirmation is a PDF whose every object stands where its table says', async (t) => {
  const { gateway, generic, sender } = await world(t, { background: false })
  await gateway.database.query(`UPDATE agencies SET name_vi = 'Sở (Tư pháp) \\ Đắk Lắk — 東' WHERE code = 'H56.14'`, [])
  const invoice = await issue(gateway)
  await sender.init(invoice)
  await generic.pay(invoice)
  const bill = await sender.getBill(referenceOf(sender))
  if (!('pdf' in bill)) throw new Error('no PDF')
  const { pdf } = bill
  t.match(pdf, 'So \\(Tu phap\\) \\\\ Dak Lak ? ?')
  const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(pdf)?.[1])
  t.equal(pdf.slice(start, start + 4), 'xref')
  const places = [...pdf.slice(start).matchAll(/^(\d{10}) 00000 n $/gm)].map(([, at]) => Number(at))
  t.equal(places.length, 5)
  places.forEach((at, index) => {
    t.equal(pdf.slice(at, at + 7), `${index + 1} 0 obj`)
  })
  const stream = /\/Length (\d+) >>\nstream\n([\s\S]*)\nendstream/.exec(pdf)
  t.equal(stream?.[2]?.length, Number(stream?.[1]))
})

t.test('INIT makes no debt: it finds an open invoice of its dossier and amount, or is told why not', async (t) => {
  const { gateway, generic, sender } = await world(t, { background: false })
  const invoice = await issue(gateway)
  const told = async (...args: Parameters<NationalSender['init']>): Promise<string> =>
    (await sender.init(...args)).errorCode
  t.equal(await told({ ...invoice, dossierCode: 'H56.14-261120-9999' }), '02')
  t.equal(await told({ ...invoice, amount: invoice.amount + 1n }), '03')
  t.equal(await told({ ...invoice, amount: invoice.amount - 1n }), '03')
  t.equal(await told(invoice, { signed: { MaTienTe: 'USD' } }), '03')
  t.equal(
    await told(invoice, { unsigned: { TKThuHuong: '999988887777' } }),
    '08',
    'lesson 5: another account in the block',
  )
  t.equal(await told(invoice, { unsigned: { PhiLePhi: [{ SoTien: '1' }] } }), '08')
  t.equal(await told(invoice, { unsigned: { MaHoSo: 'H56.14-261120-9998' } }), '08')
  t.equal(
    await told(invoice, {
      unsigned: { TKThuHuong: '113366668888', PhiLePhi: [{ SoTien: '3000' }, { SoTien: '4000' }] },
    }),
    '0',
  )
  await generic.pay(invoice)
  t.equal(await told(invoice), '06')
  const cancelled = await issue(gateway)
  await gateway.api('POST', `/v1/invoices/${cancelled.id}/cancel`, { reason: 'rút' })
  t.equal(await told(cancelled), '07')
  t.equal((await rowsOf(gateway, 'invoices')).length, 2, 'no invoice was born of a message')
})

t.test('the pay code tells equal debts of one dossier apart', async (t) => {
  const { gateway, sender } = await world(t, { background: false })
  const first = await issue(gateway)
  const second = await issue(gateway)
  await gateway.database.query('UPDATE invoices SET dossier_code = $2, obligation_key = id WHERE id = $1', [
    second.id,
    first.dossierCode,
  ])
  t.equal((await sender.init(first)).errorCode, '02')
  const named = await sender.init(first, { signed: { ThongTinGiaoDich: `NOP PHI ${second.payCode}` } })
  t.same([named.errorCode, named.payUrl], ['0', second.payUrl])
})

t.test('forged, changed, tokenless and foreign messages read and change nothing', async (t) => {
  const { gateway, sender } = await world(t, { background: false })
  const invoice = await issue(gateway)
  t.equal((await sender.init(invoice, { after: { SoTien: '1' } })).errorCode, '01')
  t.equal((await sender.init(invoice, { token: 'another-token-of-somebody' })).errorCode, '01')
  t.equal((await sender.init(invoice, { signed: { MaDoiTac: 'OTHER' } })).errorCode, '04')
  t.equal((await sender.init(invoice, { signed: { ThongTinGiaoDich: `${invoice.dossierCode} A|B` } })).errorCode, '04')
  sender.behaviour.misbehave({ badSignature: true })
  t.equal((await sender.init(invoice)).errorCode, '01')
  t.match(await sender.query('dvc1'), { MaLoi: '01' })
  t.same(await rowsOf(gateway, 'partner_orders'), [])
  for (const path of ['/partners/nobody/init', '/partners/dvcqg', '/partners/dvcqg/pay'])
    t.equal((await fetch(`${gateway.url}${path}`, { method: 'POST', body: '{}' })).status, 404, path)
  const flood = await Promise.all(
    Array.from({ length: 200 }, () => fetch(`${sender.gatewayUrl}/init`, { method: 'POST', body: '{' })),
  )
  t.ok(flood.every(({ status }) => status === 200))
  t.ok((await rowsOf(gateway, 'partner_messages')).length <= 120, 'a flood leaves a bounded trace')
  t.equal((await fetch(`${sender.gatewayUrl}/init`, { method: 'POST', body: `"${'x'.repeat(70_000)}"` })).status, 413)
})

t.test(
  'the same INIT again, also many at once, is the same order; the same reference for another is refused',
  async (t) => {
    const { gateway, sender } = await world(t, { background: false })
    const invoice = await issue(gateway)
    const signed = { ThoiGianGD: '20261120120000' }
    const answers = await Promise.all(Array.from({ length: 12 }, () => sender.init(invoice, { signed })))
    t.same(new Set(answers.map(({ payUrl }) => payUrl)), new Set([invoice.payUrl]))
    t.equal((await rowsOf(gateway, 'partner_orders')).length, 1)
    const other = await issue(gateway)
    t.equal((await sender.init(other, { signed: { ...signed, MaThamChieu: referenceOf(sender) } })).errorCode, '05')
    t.match(
      await sender.query(referenceOf(sender), { ThoiGianGD: '20261120120001' }),
      { MaLoi: '02' },
      'a question must repeat the time of INIT',
    )
  },
)

t.test('one success for one debt: the newest order has it, the older one is failed', async (t) => {
  const { gateway, generic, sender } = await world(t)
  const invoice = await issue(gateway)
  await sender.init(invoice)
  const first = referenceOf(sender)
  gateway.environment.advance(60_000)
  await sender.init(invoice)
  const second = referenceOf(sender)
  t.not(first, second)
  await generic.pay(invoice)
  await until(() => sender.orders.get(second)?.results.length === 1)
  t.equal((await rowsOf(gateway, 'partner_results')).length, 1)
  t.same(sender.orders.get(first)?.results, [])
  t.match(await sender.query(first), { TrangThaiGD: '4' })
  t.match(await sender.query(second), { TrangThaiGD: '1' })
})

t.test('a portal that is down gets its result when it is back, the same one', async (t) => {
  const { gateway, generic, sender } = await world(t)
  const invoice = await issue(gateway)
  await sender.init(invoice)
  sender.behaviour.misbehave({ answer500: true })
  await generic.pay(invoice)
  await until(async () => (await rowsOf(gateway, 'partner_results'))[0]?.last_error === 'HTTP 500')
  sender.behaviour.behave()
  sender.behaviour.misbehave({ badSignature: true })
  gateway.environment.advance(11_000)
  await until(async () => /own fields/.test(String((await rowsOf(gateway, 'partner_results'))[0]?.last_error)))
  sender.behaviour.behave()
  gateway.environment.advance(60_000)
  await until(async () => (await rowsOf(gateway, 'partner_results'))[0]?.status === 'DELIVERED')
  const results = sender.orders.get(referenceOf(sender))?.results ?? []
  t.ok(results.length >= 2, 'at least once')
  t.equal(new Set(results.map((result) => JSON.stringify(result))).size, 1)
})

t.test('a result that nobody takes within its window waits for the operator, who sends it again', async (t) => {
  const counter = await testCounter(t)
  const { gateway, generic, sender } = await world(t, { background: false, issuer: counter.issuer.baseUrl })
  const { sendDueResults } = await import('../../src/partner/results.ts')
  const { createPartners } = await import('../../src/partner/partners.ts')
  const { createHttpCaller } = await import('../../src/network/http-caller.ts')
  const { pino } = await import('pino')
  const calls = createHttpCaller()
  t.teardown(() => calls.close())
  const { database, environment } = gateway
  const partners = createPartners(database, environment, gateway.vault, () => undefined)
  const round = () =>
    sendDueResults({ database, environment, partners, call: calls.call, log: pino({ level: 'silent' }) })
  const invoice = await issue(gateway)
  await sender.init(invoice)
  sender.behaviour.misbehave({ answer500: true })
  await generic.pay(invoice)
  t.equal(await round(), 1)
  t.equal(await round(), 0, 'not before its time')
  environment.advance(72 * 3_600_000)
  t.equal(await round(), 1)
  t.match(await rowsOf(gateway, 'partner_results'), [{ status: 'DEAD', attempts: 2 }])
  const bearer = async (roles: string[]) => ({
    authorization: `Bearer ${await counter.issuer.token({ sub: 'vanhanh01', roles, lifetimeSeconds: 400_000 })}`,
  })
  const dead = await callApi(gateway.url, 'GET', '/v1/ops/partner-results', undefined, await bearer(['ops']))
  t.match(dead.json.results, [{ partnerId: 'dvcqg', reference: referenceOf(sender), lastStatus: 500 }])
  const [{ orderId = '' } = {}] = dead.json.results as unknown as { orderId?: string }[]
  const path = `/v1/ops/partner-results/${orderId}/replay`
  t.equal((await callApi(gateway.url, 'POST', path, undefined, await bearer(['counter']))).status, 403)
  t.equal((await callApi(gateway.url, 'POST', path, undefined, await bearer(['ops']))).status, 200)
  sender.behaviour.behave()
  await round()
  t.match(await rowsOf(gateway, 'partner_results'), [{ status: 'DELIVERED' }])
})

t.test('two processes at once send a result once', async (t) => {
  const { gateway, generic, sender } = await world(t, { background: false })
  const replicas = await Promise.all(
    [0, 1].map(() =>
      testGateway(t, {
        background: true,
        database: { url: gateway.databaseUrl, database: gateway.database },
        vault: gateway.vault,
      }),
    ),
  )
  for (const replica of replicas) replica.environment.set(gateway.environment.now())
  await gateway.load({ ...testDirectory({ railAccounts: [] }), portalPartners: [partnerOf(sender)] })
  const invoices = await Promise.all(Array.from({ length: 6 }, () => issue(gateway)))
  for (const invoice of invoices) await sender.init(invoice)
  for (const replica of replicas) replica.environment.advance(60_000)
  gateway.environment.advance(30_000)
  await Promise.all(invoices.map((invoice) => generic.pay(invoice)))
  await until(
    async () => (await rowsOf(gateway, 'partner_results')).filter(({ status }) => status === 'DELIVERED').length === 6,
  )
  t.same(
    [...sender.orders.values()].map(({ results }) => results.length),
    Array(6).fill(1),
  )
})

t.test(
  'money that came and was taken back is neither success nor failure; a bank may not take it back once the portal knows',
  async (t) => {
    const { gateway, generic, sender } = await world(t, { background: false })
    const untold = await issue(gateway)
    await sender.init(untold)
    const reference = referenceOf(sender)
    await generic.pay(untold)
    t.match(await generic.reverse(generic.payments.at(-1)?.transactionId ?? ''), { code: 'REVERSED' })
    t.match(await sender.query(reference), { TrangThaiGD: '3' })
    const told = await issue(gateway)
    await sender.init(told)
    await generic.pay(told)
    await gateway.database.query(
      `UPDATE partner_results SET status = 'DELIVERED' WHERE order_id IN (SELECT id FROM partner_orders WHERE invoice_id = $1)`,
      [told.id],
    )
    t.match(await generic.reverse(generic.payments.at(-1)?.transactionId ?? ''), { code: 'TOO_LATE' })
  },
)

t.test('a debt that can no longer be paid is failed, one that may still be is not', async (t) => {
  const { gateway, sender } = await world(t, { background: false })
  const cancelled = await issue(gateway)
  await sender.init(cancelled)
  const reference = referenceOf(sender)
  await gateway.api('POST', `/v1/invoices/${cancelled.id}/cancel`, { reason: 'rút' })
  t.match(await sender.query(reference), { TrangThaiGD: '4' })
  t.same(await rowsOf(gateway, 'partner_results'), [], 'a failure is not pushed: money may still come')
})

t.test(
  'a paused partner sends nobody new and is still answered; agencies outside its list are unknown to it',
  async (t) => {
    const { gateway, sender, load } = await world(t, { background: false })
    const invoice = await issue(gateway)
    await sender.init(invoice)
    const reference = referenceOf(sender)
    await load({ status: 'PAUSED' })
    t.equal((await sender.init(await issue(gateway))).errorCode, '99')
    t.match(await sender.query(reference), { TrangThaiGD: '3' })
    await load({ agencyCodes: ['H56.15'] })
    t.equal((await sender.init(await issue(gateway))).errorCode, '02')
    await load({ agencyCodes: ['H56.14'] })
    t.equal((await sender.init(await issue(gateway))).errorCode, '0')
  },
)

t.test('an invoice of another tenant is unknown', async (t) => {
  const { gateway, sender } = await world(t, { background: false })
  await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H15.2', railAccounts: [] }))
  const client = await gateway.addClient({ tenantId: 'ten_other' })
  const foreign = await callApi(
    gateway.url,
    'POST',
    '/v1/invoices',
    anInvoice({ dossierCode: 'H15.2-261120-0001', collectingAgencyCode: 'H15.2' }),
    { authorization: `Bearer ${await client.token()}` },
  )
  t.equal(foreign.status, 201, foreign.text)
  t.equal((await sender.init({ dossierCode: 'H15.2-261120-0001', amount: 7_000n })).errorCode, '02')
})

t.test(
  'the directory refuses a partner whose config is wrong, or whose secret is a rail’s: hashes of both ways look alike',
  async (t) => {
    const { gateway, sender } = await world(t, { background: false })
    const load = (config: object, railConfig: object = {}) =>
      gateway.load({
        ...testDirectory(),
        railAccounts: [
          {
            id: 'quoc-gia',
            rail: 'national-portal',
            beneficiaryAccountId: 'bac_h56-14-colle',
            titleVi: 'x',
            titleEn: 'x',
            config: {
              ...{ initUrl: 'https://p.example/i', queryUrl: 'https://p.example/q', getBillUrl: 'https://p.example/b' },
              ...{ partnerCode: 'A', secret: 'rail-secret-0123456789', payPageHosts: ['p.example'] },
              ...railConfig,
            },
          },
        ],
        portalPartners: [partnerOf(sender, { config: { ...sender.senderConfig(), ...config } })],
      })
    await t.rejects(load({ secret: 'short' }), { code: 'DIRECTORY_INVALID', message: /config\.secret/ })
    await t.rejects(load({ unknown: 1 }), { code: 'DIRECTORY_INVALID' })
    await t.rejects(load({}, { secret }), {
      code: 'DIRECTORY_INVALID',
      message: /must not be the secret of a rail account/,
    })
    await t.resolves(load({}))
  },
)
