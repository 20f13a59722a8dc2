/**
 * The national payment platform as a rail, end to end with its simulator: start → result → QUERY → GET_BILL, and each lesson of
 * domain.md §8.1 by its number.
 */
import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { makeContext } from '../../src/sandbox/context.ts'
import { type NationalPortal, platformHash, startNationalPortal } from '../../src/sandbox/rails/national-portal.ts'
import { type ApiAnswer, anInvoice, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'

const secret = 'national-secret'
const account = 'quoc-gia'

type Joined = { gateway: TestGateway; platform: NationalPortal; callbackUrl: string }

async function joined(t: Test, config: Record<string, unknown> = {}): Promise<Joined> {
  const gateway = await testGateway(t, { background: true })
  // Five past two in the afternoon: a 12-hour clock would say 02:05.
  gateway.environment.set(new Date('2026-11-20T07:05:00Z'))
  const platform = await startNationalPortal(makeContext({ clock: gateway.environment }), {
    ...{ partnerCode: 'THANHHOA', secret, bearerToken: 'token' },
  })
  t.teardown(() => platform.close())
  await gateway.load(
    testDirectory({
      railAccounts: [
        {
          id: account,
          rail: 'national-portal',
          beneficiaryAccountId: 'bac_h56-14-colle',
          titleVi: 'Nền tảng thanh toán quốc gia',
          titleEn: 'National payment platform',
          config: { ...platform.accountConfig(), ...config },
        },
      ],
    }),
  )
  const callbackUrl = `${gateway.url}/callbacks/national-portal/${account}`
  platform.callbackUrl = callbackUrl
  return { gateway, platform, callbackUrl }
}

/** A driving test: two fees of 60,000 and 70,000. */
const drivingTest = {
  procedureCode: '1.002000',
  items: [{ feeCode: 'driving-test-a1-theory' }, { feeCode: 'driving-test-a1-practice' }],
}

type Started = { invoiceId: string; payment: ApiAnswer['json']; reference: string; payUrl: string; dossierCode: string }

async function start({ gateway }: Joined, over: Record<string, unknown> = drivingTest): Promise<Started> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice(over))
  if (invoice.status !== 201) throw new Error(invoice.text)
  return await attempt(gateway, String(invoice.json.id), String(invoice.json.dossierCode))
}

async function attempt(gateway: TestGateway, invoiceId: string, dossierCode = ''): Promise<Started> {
  const payment = await gateway.api('POST', `/v1/invoices/${invoiceId}/payments`, {
    railAccountId: account,
    payerIp: '203.0.113.7',
  })
  if (payment.status !== 201) throw new Error(payment.text)
  const { instruction, merchantRef } = payment.json
  return {
    invoiceId,
    dossierCode,
    payment: payment.json,
    reference: String(merchantRef),
    payUrl: String(Object(instruction).url),
  }
}

async function statusOf({ gateway }: Joined, { invoiceId }: Started): Promise<unknown> {
  return (await gateway.api('GET', `/v1/invoices/${invoiceId}`)).json.status
}

async function settled({ gateway }: Joined): Promise<object[]> {
  return await gateway.database.query('SELECT disposition, amount FROM settlements ORDER BY id', [])
}

type Fields = Record<string, string>

/** A result as the platform would send it, each field replaceable, hashed over what it then says. */
function resultOf({ reference }: Started, over: Fields = {}): Fields {
  const fields: Fields = {
    ...{ LoaiBanTin: 'RESULT', MaLoi: '00', MaDoiTac: 'THANHHOA', MaThamChieu: reference, SoTien: '130000' },
    ...{ MaTienTe: 'VND', MaGiaoDich: 'G22.99.3-1', MaNganHang: '970415', ThoiGianGD: '20261120140731' },
    ThongTinGiaoDich: 'HO SO',
    ...over,
  }
  return { ...fields, MaXacThuc: platformHash('RESULT', fields, secret) }
}

async function send(url: string, body: unknown): Promise<{ status: number; answer: Fields; text: string }> {
  const given = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await given.text()
  let answer: Fields = {}
  try {
    answer = JSON.parse(text)
  } catch {
    answer = {}
  }
  return { status: given.status, answer, text }
}

t.test('start, result, QUERY and GET_BILL: paid at the platform, told once, its receipt kept', async (t) => {
  const world = await joined(t)
  const { gateway, platform } = world
  const one = await start(world)
  const notYet = await gateway.api('GET', `/v1/payments/${String(one.payment.id)}/receipt-file`)
  t.match(notYet.json, { code: 'RECEIPT_FILE_NOT_READY' })
  const { payment, callbackAcks } = await platform.pay(one.payUrl, 'duplicate')
  t.match(callbackAcks, [
    { asExpected: true, meaning: 'MaLoi 00' },
    { asExpected: true, meaning: 'MaLoi 00' },
  ])
  t.equal(await statusOf(world, one), 'PAID')
  t.same(await settled(world), [{ disposition: 'APPLIED', amount: 130_000n }])
  const path = `/v1/payments/${String(one.payment.id)}/receipt-file`
  const file = await gateway.api('GET', path)
  t.equal(file.status, 200, file.text)
  t.equal(file.headers.get('content-type'), 'application/pdf')
  t.match(file.text, `%PDF-1.4\n% ${payment.transactionNo}`)
  platform.behaviour.misbehave({ answer500: true })
  t.equal((await gateway.api('GET', path)).text, file.text, 'from our own keeping, the platform being away')
})

t.test('a result that never came is made good by QUERY, also when INIT itself got no answer', async (t) => {
  const world = await joined(t, { timeoutMs: 1_000 })
  const { gateway, platform } = world
  platform.callbackUrl = null
  const one = await start(world)
  await platform.pay(one.payUrl, 'success')
  platform.behaviour.misbehave({ timeoutAfterEffect: true })
  const other = await start(world)
  platform.behaviour.behave()
  t.match(other.payment, { status: 'UNKNOWN' })
  t.equal(platform.payments.has(other.reference), true, 'the platform has it, and we were not told')
  await platform.pay(`${platform.baseUrl}/pay/${other.reference}`, 'success')
  gateway.environment.advance(61_000)
  for (let waited = 0; waited < 200 && (await settled(world)).length < 2; waited++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(await statusOf(world, one), 'PAID')
  t.equal(await statusOf(world, other), 'PAID')
})

t.test(
  'the receipt block is the invoice: beneficiary, agency, procedure, dossier, payer by name, a line for each fee',
  async (t) => {
    const world = await joined(t, { feeTypes: { PHI: '1', LE_PHI: '2' }, bankCodes: { '970415': 'ICBVVNVX' } })
    const one = await start(world, {
      ...drivingTest,
      payer: { name: 'Trần Thị Bình', personalId: '001199000002', address: '1 phố Hàng Bài' },
    })
    const { receipt } = world.platform.payments.get(one.reference) ?? {}
    t.match(receipt, {
      MaDichVu: '2',
      MaTTHC: '1.002000',
      TenTTHC: 'Sát hạch lái xe mô tô hạng A1',
      MaDonVi: 'H56.14',
      TenDonVi: 'Sở Tư pháp',
      MaHoSo: one.dossierCode,
      TKThuHuong: '113366668888',
      TenTKThuHuong: 'SO TU PHAP',
      MaNHThuHuong: 'ICBVVNVX',
      HoTenNguoiNop: 'Trần Thị Bình',
      SoCMNDNguoiNop: '',
      DiaChiNguoiNop: '',
      PhiLePhi: [
        { LoaiPhiLePhi: '1', SoTien: '60000' },
        { LoaiPhiLePhi: '1', SoTien: '70000' },
      ],
      DSKhoanNop: [{ SoTien: '60000' }, { SoTien: '70000' }],
    })
    t.notMatch(JSON.stringify(receipt), /001199000002|Hàng Bài/, 'no more of the payer than the name')
  },
)

t.test('lesson 1: the signature first, then partner, currency, amount and state', async (t) => {
  const world = await joined(t)
  const one = await start(world)
  const cases: [string, Fields, string][] = [
    ['another partner', { MaDoiTac: 'OTHER' }, '02'],
    ['another currency', { MaTienTe: 'USD' }, '03'],
    ['more than ordered', { SoTien: '130001' }, '03'],
    ['an unknown reference', { MaThamChieu: 'dvcNOBODY1', MaGiaoDich: 'G22.99.3-9' }, '02'],
  ]
  for (const [name, over, code] of cases)
    t.match((await send(world.callbackUrl, resultOf(one, over))).answer, { MaLoi: code }, name)
  const forged = { ...resultOf(one), MaXacThuc: 'a'.repeat(64) }
  // Every other field is wrong as well: only the hash is told about.
  t.match((await send(world.callbackUrl, { ...forged, MaDoiTac: 'OTHER', MaTienTe: 'USD', SoTien: '1' })).answer, {
    MaLoi: '01',
  })
  t.equal(await statusOf(world, one), 'PAYING')
  t.same(
    await settled(world),
    [{ disposition: 'ORPHAN', amount: 130_000n }],
    'money under an unknown reference is on record as such',
  )
  t.match((await send(world.callbackUrl, resultOf(one))).answer, { MaLoi: '00' })
  t.equal(await statusOf(world, one), 'PAID')
})

t.test('lesson 2: a failure after the success changes nothing', async (t) => {
  const world = await joined(t)
  const one = await start(world)
  await send(world.callbackUrl, resultOf(one))
  t.match((await send(world.callbackUrl, resultOf(one, { MaLoi: '99' }))).answer, { MaLoi: '00' })
  t.equal(await statusOf(world, one), 'PAID')
  t.match((await world.gateway.api('GET', `/v1/payments/${String(one.payment.id)}`)).json, { status: 'SUCCEEDED' })
})

t.test('lesson 3: our answer is hashed over its own fields and is not the hash of the caller', async (t) => {
  const world = await joined(t)
  const one = await start(world)
  const result = resultOf(one)
  const { answer } = await send(world.callbackUrl, result)
  t.not(answer.MaXacThuc, result.MaXacThuc)
  t.equal(answer.MaXacThuc, platformHash('ANSWER', answer, secret))
  t.match(answer, { MaDoiTac: 'THANHHOA', MaThamChieu: one.reference, ThoiGianGD: '20261120140500' })
})

t.test('lesson 4: hashes are compared in constant time and nowhere else', async (t) => {
  const folder = new URL('../../adapters/national-portal/', import.meta.url)
  const sources = readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: readFileSync(new URL(name, folder), 'utf8') }))
  t.same(
    sources.filter(({ text }) => text.includes('timingSafeEqual')).map(({ name }) => name),
    ['signature.ts'],
  )
  for (const { name, text } of sources)
    t.notMatch(text, /(MaXacThuc|given|expected)\s*[!=]==?\s*(given|expected|authenticationCode)/, name)
})

t.test(
  'lesson 5: what no hash covers is trusted for nothing, and money is sent only to the account agreed on',
  async (t) => {
    const elsewhere = await joined(t, { beneficiary: { account: '999988887777', name: 'AI DO', bankCode: '970415' } })
    const one = await start(elsewhere)
    t.match(one.payment, { status: 'FAILED', instruction: { kind: 'refused', railCode: 'BENEFICIARY' } })
    t.equal(elsewhere.platform.payments.size, 0, 'nothing has left')
    const misled = await joined(t, { payPageHosts: ['pay.example'] })
    t.match(
      (await start(misled)).payment,
      { status: 'UNKNOWN', instruction: { kind: 'wait' } },
      'no payer is sent to another host',
    )
  },
)

t.test('lesson 6: no field holds the separator, in or out', async (t) => {
  const world = await joined(t)
  const one = await start(world)
  const shifted = resultOf(one)
  const moved = { ...shifted, MaGiaoDich: `${shifted.MaGiaoDich}|${shifted.MaNganHang}`, MaNganHang: '' }
  t.match((await send(world.callbackUrl, moved)).answer, { MaLoi: '04' })
  t.match((await send(world.callbackUrl, resultOf(one, { ThongTinGiaoDich: 'A|B' }))).answer, { MaLoi: '04' })
  t.equal(await statusOf(world, one), 'PAYING')
  await world.gateway.database.query(`UPDATE agencies SET name_vi = 'Sở | Tư pháp' WHERE code = 'H56.14'`, [])
  const other = await start(world)
  t.match(other.payment, { status: 'FAILED', instruction: { railCode: 'FIELD', message: /TenDonVi/ } })
})

t.test(
  'lesson 7: a 24-hour clock, the same time in every QUERY, amounts above 32 bits, polling until it is known',
  async (t) => {
    const world = await joined(t)
    const { gateway, platform } = world
    const one = await start(world)
    t.equal(platform.payments.get(one.reference)?.initTime, '20261120140500')
    platform.callbackUrl = null
    await platform.pay(one.payUrl, 'pending-then-success')
    for (const minutes of [1, 3, 10]) {
      gateway.environment.set(new Date(Date.parse('2026-11-20T07:05:01Z') + minutes * 60_000))
      // The platform knows a question only by the exact time of INIT, and answers that it does not know yet.
      await asked(gateway, one, minutes === 1 ? 1 : minutes === 3 ? 2 : 3)
      t.equal(await statusOf(world, one), 'PAYING')
    }
    const big = await start(world, {
      procedureCode: '1.004960',
      items: [{ feeCode: 'gm-food-appraisal', quantity: 25 }],
    })
    t.match((await send(world.callbackUrl, resultOf(big, { SoTien: '3000000000' }))).answer, { MaLoi: '00' })
    t.same(await settled(world), [{ disposition: 'APPLIED', amount: 3_000_000_000n }])
  },
)

async function asked(gateway: TestGateway, { payment }: Started, times: number): Promise<void> {
  for (let waited = 0; waited < 400; waited++) {
    const [row] = await gateway.database.query<{ inquiries: number }>('SELECT inquiries FROM payments WHERE id = $1', [
      payment.id,
    ])
    if ((row?.inquiries ?? 0) >= times) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`not asked ${times} times`)
}

t.test('lesson 8: the open address takes little, says little, and keeps little of what strangers send', async (t) => {
  const world = await joined(t)
  const huge = await send(world.callbackUrl, `{"LoaiBanTin":"${'x'.repeat(70_000)}"}`)
  t.equal(huge.status, 413)
  for (const body of ['{', '[]', 'null', '{"MaThamChieu":{"$gt":""}}', '<xml/>', '{"__proto__":{"a":1}}']) {
    const { status, text } = await send(world.callbackUrl, body)
    t.equal(status, 200, body)
    t.notMatch(text, /\.ts|Error|stack|node_modules|at /, body)
  }
  await Promise.all(Array.from({ length: 200 }, () => send(world.callbackUrl, '{')))
  const [kept] = await world.gateway.database.query<{ count: bigint }>('SELECT count(*) AS count FROM callbacks', [])
  t.ok((kept?.count ?? 999n) <= 120n, 'a flood leaves a bounded trace')
})

t.test('references are never used twice: each attempt has its own, and each one’s money has its place', async (t) => {
  const world = await joined(t)
  const first = await start(world)
  const second = await attempt(world.gateway, first.invoiceId)
  t.not(first.reference, second.reference)
  t.equal(world.platform.payments.size, 2)
  t.match((await send(world.callbackUrl, resultOf(second, { MaGiaoDich: 'G22.99.3-2' }))).answer, { MaLoi: '00' })
  world.gateway.environment.advance(1_000)
  t.match((await send(world.callbackUrl, resultOf(first, { MaGiaoDich: 'G22.99.3-1' }))).answer, { MaLoi: '00' })
  t.same(
    (await settled(world)).map((row) => Object(row).disposition),
    ['APPLIED', 'DUPLICATE'],
  )
  t.match(await world.gateway.database.query('SELECT origin, amount FROM refunds', []), [
    { origin: 'DUPLICATE', amount: 130_000n },
  ])
})

t.test('a fine is no fee: it is refused before it leaves', async (t) => {
  const world = await joined(t)
  await world.gateway.database.query(`UPDATE rail_accounts SET beneficiary_account_id = 'bac_h56-14-state'`, [])
  world.gateway.environment.advance(6_000)
  const one = await start(world, {
    procedureCode: '9.000001',
    items: [
      {
        kind: 'FINE',
        nameVi: 'Phạt',
        amount: 4_000_000,
        economicCode: '4254',
        decision: { number: '1/QĐ', date: '2026-11-18', authority: 'Công an tỉnh' },
      },
    ],
  })
  t.match(one.payment, { status: 'FAILED', instruction: { kind: 'refused', railCode: 'KIND' } })
})

t.test('another tenant or a client without the scope does not get the receipt file', async (t) => {
  const world = await joined(t)
  const one = await start(world)
  await world.platform.pay(one.payUrl, 'success')
  const stranger = await world.gateway.addClient()
  const narrow = await world.gateway.addClient({ scopes: ['invoices:read'] })
  const ask = async (token: string): Promise<number> =>
    (
      await fetch(`${world.gateway.url}/v1/payments/${String(one.payment.id)}/receipt-file`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).status
  t.equal(await ask(await stranger.token()), 404)
  t.equal(await ask(await narrow.token()), 403)
})
