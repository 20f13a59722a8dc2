import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type {
  CallbackReading,
  HttpAnswer,
  Order,
  RawRequest,
  Step,
  StoredAttempt,
  Verdict,
} from '../../../adapters/contract.ts'
import { accountSchema } from '../../../adapters/national-portal/account.ts'
import { nationalPortal } from '../../../adapters/national-portal/index.ts'
import { readReceiptFile, receiptFileCall } from '../../../adapters/national-portal/inquiry.ts'
import {
  authenticationCode,
  hashedText,
  isAuthentic,
  signedFields,
} from '../../../adapters/national-portal/signature.ts'
import { jsonOf } from '../vietinbank/vectors.ts'

const secret = 'test-secret'
const plainConfig = {
  initUrl: 'https://portal.example/init',
  queryUrl: 'https://portal.example/query',
  getBillUrl: 'https://portal.example/bill',
  partnerCode: 'DEMO01',
  secret,
  payPageHosts: ['pay.portal.example'],
  beneficiary: { account: '3511.0.1057612', name: 'Văn phòng đăng ký đất đai', bankCode: '970415' },
  agency: { code: 'H56.14', name: 'UBND huyện' },
  procedure: { code: '2.000815', name: 'Chứng thực bản sao' },
  onlineService: { code: '2.000815.000.00.00.H56.01', name: 'Chứng thực bản sao từ bản chính' },
}
const account = { id: 'ra_portal', config: accountSchema.parse(plainConfig) }
const now = new Date('2026-01-02T07:05:00Z')
const context = { now, requestId: 'r1', serverIp: '203.0.113.9' }
const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex')

/** The message of the specification's vectors (domain.md §8.1). */
const initMessage = {
  LoaiBanTin: 'INIT',
  PhienBan: '1.0.6',
  MaDoiTac: 'DEMO01',
  MaThamChieu: 'dvcH5614240823000120260102140500',
  SoTien: '8000',
  LoaiHinhThanhToan: 'PAY',
  MaKenhThanhToan: '1',
  MaThietBi: '1',
  NgonNgu: 'vi-VN',
  MaTienTe: 'VND',
  MaNganHang: 'PAYMENT',
  ThongTinGiaoDich: 'THANH TOAN HO SO H56.14-240823-0001',
  ThoiGianGD: '20260102140500',
  Ip: '203.0.113.7',
}
const resultMessage = {
  LoaiBanTin: 'RESULT',
  MaLoi: '00',
  MaDoiTac: 'DEMO01',
  MaThamChieu: 'dvcH5614240823000120260102140500',
  SoTien: '8000',
  MaTienTe: 'VND',
  MaGiaoDich: 'G22.99.3-260102000001',
  MaNganHang: '970415',
  ThoiGianGD: '20260102140731',
  ThongTinGiaoDich: 'THANH TOAN HO SO H56.14-240823-0001',
}
const order: Order = {
  merchantRef: initMessage.MaThamChieu,
  payCode: 'ABCDEFGHJKMN',
  dossierCode: 'H56.14-240823-0001',
  amount: 8000n,
  description: initMessage.ThongTinGiaoDich,
  locale: 'vi',
  payerIp: '203.0.113.7',
  returnUrl: 'https://pay.example/r',
  callbackUrl: 'https://pay.example/callbacks/national-portal/ra_portal',
  createdAt: now,
  expiresAt: new Date(now.getTime() + 900_000),
  payerInput: {},
}
const attempt: StoredAttempt = {
  merchantRef: order.merchantRef,
  amount: 8000n,
  createdAt: now,
  sent: { maThamChieu: order.merchantRef, thoiGianGD: '20260102140500', thongTinGiaoDich: order.description },
  railTransactionId: null,
}

function signed(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...resultMessage, ...overrides }
  return { ...fields, MaXacThuc: sha256([...signedFields.RESULT.map((name) => fields[name] ?? ''), secret].join('|')) }
}
function post(body: unknown): RawRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', path: '', query: '', headers: {}, body: Buffer.from(text) }
}
const read = (body: unknown): CallbackReading => nationalPortal.readCallback(post(body), account, context)
const reasonOf = (reading: CallbackReading) => (reading.kind === 'refused' ? reading.reason : reading.kind)
const json = (body: unknown, status = 200): HttpAnswer => ({
  status,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
})
function resultOf<T>(step: Step<T> | undefined): T {
  if (step?.kind !== 'done') throw new Error('expected a result')
  return step.result
}
function callOf<T>(step: Step<T> | undefined) {
  if (step?.kind !== 'call') throw new Error('expected a call')
  return step
}

t.test('check vectors of the specification', async (t) => {
  const query = {
    LoaiBanTin: 'QUERY',
    PhienBan: '1.0.6',
    MaDoiTac: 'DEMO01',
    MaThamChieu: initMessage.MaThamChieu,
    ThoiGianGD: '20260102140500',
  }
  t.equal(
    authenticationCode(signedFields.INIT, initMessage, secret),
    '2255b3c58579613d86331583271b50884cefd4c53367bfd353b278de47f9fa94',
  )
  t.equal(
    authenticationCode(signedFields.RESULT, resultMessage, secret),
    'be8c987d4dab260e5e6bc1976bf87824f934efb74c78753ae01138aaa6e63da6',
  )
  t.equal(
    authenticationCode(signedFields.QUERY, query, secret),
    '9268f0e09d9fa13abfca49e620b727b639553074c92e596139aa38bbac8fe7b1',
  )
  t.equal(
    hashedText(signedFields.QUERY, query, secret),
    'QUERY|1.0.6|DEMO01|dvcH5614240823000120260102140500|20260102140500|test-secret',
  )
})

t.test('INIT: the specified message, 24-hour time, the receipt block beside it', async (t) => {
  const { call, state } = callOf(nationalPortal.start?.(order, account, context))
  const body = jsonOf(call.body)
  const { MaXacThuc, ThongTinBienLai, ...fields } = body
  t.same(fields, initMessage)
  t.equal(MaXacThuc, '2255b3c58579613d86331583271b50884cefd4c53367bfd353b278de47f9fa94')
  t.match(ThongTinBienLai, {
    MaDichVu: '2',
    MaHoSo: 'H56.14-240823-0001',
    TKThuHuong: '3511.0.1057612',
    MaNHThuHuong: '970415',
    PhiLePhi: [{ SoTien: '8000' }],
    DSKhoanNop: [{ SoTien: '8000' }],
  })
  t.equal(call.repeatable, false)
  const opened = resultOf(
    nationalPortal.readStart?.(
      json({ error_code: '0', message: '{"UrlThanhToan":"https://pay.portal.example/p?x=1"}' }),
      state,
      order,
      account,
      context,
    ),
  )
  t.same(opened, { kind: 'redirect', url: 'https://pay.portal.example/p?x=1', sent: attempt.sent })
})

t.test('a bearer token travels when there is one', async (t) => {
  const withToken = { id: 'a', config: accountSchema.parse({ ...plainConfig, bearerToken: 'tok' }) }
  t.equal(callOf(nationalPortal.start?.(order, withToken, context)).call.headers.authorization, 'Bearer tok')
})

t.test('long names are cut to 250 letters, whole ones', async (t) => {
  const long = {
    id: 'a',
    config: accountSchema.parse({ ...plainConfig, procedure: { code: '1.000001', name: 'Đ'.repeat(300) } }),
  }
  const block = jsonOf(
    JSON.stringify(jsonOf(callOf(nationalPortal.start?.(order, long, context)).call.body).ThongTinBienLai),
  )
  t.equal(block.TenTTHC, 'Đ'.repeat(250))
})

const bill = {
  beneficiary: { accountNumber: '3511.0.1057612', accountName: 'VAN PHONG DANG KY DAT DAI', bankBin: '970415' },
  agency: { code: 'H56.14', name: 'Sở Tư pháp' },
  procedure: { code: '2.000815', name: 'Chứng thực bản sao' },
  onlineServiceCode: null,
  lines: [
    { kind: 'PHI' as const, code: '2716', name: 'Phí chứng thực', amount: 5000n },
    { kind: 'LE_PHI' as const, code: null, name: 'Lệ phí', amount: 3000n },
  ],
  payerName: 'Trần Thị Bình',
}

t.test('the receipt block comes from the bill, one line for each fee', async (t) => {
  const { call } = callOf(nationalPortal.start?.({ ...order, bill }, account, context))
  t.match(jsonOf(call.body).ThongTinBienLai, {
    MaDonVi: 'H56.14',
    TenDonVi: 'Sở Tư pháp',
    MaTTHC: '2.000815',
    MaDVC: '2.000815.000.00.00.H56.01',
    TKThuHuong: '3511.0.1057612',
    HoTenNguoiNop: 'Trần Thị Bình',
    PhiLePhi: [
      { LoaiPhiLePhi: '', MaPhiLePhi: '2716', TenPhiLePhi: 'Phí chứng thực', SoTien: '5000' },
      { LoaiPhiLePhi: '', MaPhiLePhi: '', TenPhiLePhi: 'Lệ phí', SoTien: '3000' },
    ],
    DSKhoanNop: [
      { NoiDung: 'Phí chứng thực', SoTien: '5000' },
      { NoiDung: 'Lệ phí', SoTien: '3000' },
    ],
  })
})

t.test('a bill that does not fit the order or the account is not sent', async (t) => {
  const refusal = (over: object) =>
    resultOf(nationalPortal.start?.({ ...order, bill: { ...bill, ...over } }, account, context))
  const [line] = bill.lines
  t.match(refusal({ lines: [line] }), { kind: 'refused', railCode: 'FIELD', message: /sum/ })
  t.match(refusal({ lines: [{ ...line, kind: 'TAX', amount: 8000n }] }), { kind: 'refused', railCode: 'KIND' })
  t.match(refusal({ beneficiary: { ...bill.beneficiary, accountNumber: '1' } }), {
    kind: 'refused',
    railCode: 'BENEFICIARY',
  })
  t.match(refusal({ payerName: 'A|B' }), { kind: 'refused', railCode: 'FIELD', message: /HoTenNguoiNop/ })
  t.match(refusal({ lines: [{ ...line, name: 'A\u202eB', amount: 8000n }] }), { kind: 'refused', railCode: 'FIELD' })
  const bare = { ...plainConfig, beneficiary: undefined, agency: undefined, procedure: undefined }
  const known = {
    id: 'a',
    config: accountSchema.parse({ ...bare, onlineService: undefined, bankCodes: { '970415': 'X' } }),
  }
  t.match(
    jsonOf(callOf(nationalPortal.start?.({ ...order, bill }, known, context)).call.body).ThongTinBienLai,
    { MaNHThuHuong: 'X', TenTKThuHuong: 'VAN PHONG DANG KY DAT DAI', MaDVC: '2.000815' },
    'with nothing configured the bill says it all',
  )
  t.match(resultOf(nationalPortal.start?.(order, known, context)), { kind: 'refused', railCode: 'FIELD' })
})

t.test('INIT carries the time of the attempt, so that QUERY can repeat it when INIT was never answered', async (t) => {
  const later = { ...context, now: new Date(now.getTime() + 5_000) }
  const { call } = callOf(nationalPortal.start?.(order, account, later))
  const asked = callOf(nationalPortal.inquire?.({ ...attempt, sent: {} }, account, later))
  t.equal(jsonOf(call.body).ThoiGianGD, '20260102140500')
  t.equal(jsonOf(asked.call.body).ThoiGianGD, '20260102140500')
})

t.test('a value with the separator never leaves', async (t) => {
  for (const change of [
    { description: 'A|B' },
    { description: 'A\nB' },
    { payerIp: '1.2.3.4|' },
    { merchantRef: 'dvc|1' },
    { description: '' },
  ]) {
    t.match(resultOf(nationalPortal.start?.({ ...order, ...change }, account, context)), {
      kind: 'refused',
      railCode: 'FIELD',
    })
  }
  t.throws(() => hashedText(['A'], { A: 'x|y' }, secret), { code: 'SEPARATOR_IN_VALUE' })
  t.notOk(nationalPortal.accountSchema.safeParse({ ...plainConfig, agency: { code: 'H56', name: 'A|B' } }).success)
})

t.test('answers to INIT: a pay page only on a configured host, a refusal only when it is said', async (t) => {
  const { state } = callOf(nationalPortal.start?.(order, account, context))
  const kind = (answer: HttpAnswer) => resultOf(nationalPortal.readStart?.(answer, state, order, account, context)).kind
  const page = (url: string) => kind(json({ error_code: '0', message: JSON.stringify({ UrlThanhToan: url }) }))
  t.equal(page('https://pay.portal.example/p'), 'redirect')
  t.equal(page('https://evil.example/p'), 'unknown')
  t.equal(page('https://pay.portal.example@evil.example/p'), 'unknown')
  t.equal(page('https://u:p@pay.portal.example/p'), 'unknown')
  t.equal(page('http://pay.portal.example/p'), 'unknown')
  t.equal(page('javascript:alert(1)'), 'unknown')
  t.equal(page(''), 'unknown')
  t.equal(kind(json({ error_code: '0', message: 'not json' })), 'unknown')
  t.equal(kind(json({ error_code: '0' })), 'unknown')
  t.equal(kind(json({ error_code: '12', message: 'bad' })), 'refused')
  t.equal(kind(json({ message: 'bad' })), 'unknown')
  t.equal(kind(json({ error_code: '0', message: '{}' }, 502)), 'unknown')
  t.equal(kind({ status: 200, headers: {}, body: Buffer.from('<html>') }), 'unknown')
})

t.test('a result with 00 is a success, any other code a failure', async (t) => {
  t.match(read(signed()), {
    kind: 'outcome',
    outcome: {
      rail: 'national-portal',
      accountId: 'ra_portal',
      merchantRef: resultMessage.MaThamChieu,
      railTransactionId: 'G22.99.3-260102000001',
      kind: 'succeeded',
      amount: 8000n,
      currency: 'VND',
      paidAt: new Date('2026-01-02T07:07:31Z'),
      source: 'CALLBACK',
    },
  })
  t.match(read(signed({ MaLoi: '24', MaGiaoDich: '' })), {
    outcome: { kind: 'failed', railTransactionId: resultMessage.MaThamChieu },
  })
  const shouted = signed()
  t.equal(
    read({ ...shouted, MaXacThuc: String(shouted.MaXacThuc).toUpperCase() }).kind,
    'outcome',
    'letter case of the hex',
  )
  const ownCallback = read(signed())
  t.notOk(ownCallback.kind === 'outcome' && 'MaXacThuc' in ownCallback.outcome.evidence)
})

t.test('a right hash alone is not enough: partner, currency and every field are looked at', async (t) => {
  const cases: [string, Record<string, unknown>, string][] = [
    ['another partner', { MaDoiTac: 'DEMO02' }, 'wrong-account'],
    ['another currency', { MaTienTe: 'USD' }, 'wrong-currency'],
    ['leading zero', { SoTien: '08000' }, 'malformed'],
    ['fraction', { SoTien: '8000.0' }, 'malformed'],
    ['negative', { SoTien: '-8000' }, 'malformed'],
    ['success without a transaction', { MaGiaoDich: '' }, 'malformed'],
    ['time with letters', { ThoiGianGD: '2026-01-02 1407' }, 'malformed'],
    ['control character', { ThongTinGiaoDich: 'A\u0000B' }, 'malformed'],
    ['our own message sent back', { LoaiBanTin: 'INIT' }, 'unsupported'],
    ['reference with a space', { MaThamChieu: 'dvc 1' }, 'malformed'],
  ]
  for (const [name, overrides, expected] of cases) t.equal(reasonOf(read(signed(overrides))), expected, name)
  const typed = { id: 'a', config: accountSchema.parse({ ...plainConfig, resultMessageType: 'KETQUA' }) }
  t.equal(
    reasonOf(nationalPortal.readCallback(post(signed()), typed, context)),
    'unsupported',
    'configured message type',
  )
})

t.test('text shifted over the separator is refused though the hash is right', async (t) => {
  const moved = { ...signed(), MaGiaoDich: 'G22.99.3-260102000001|970415', MaNganHang: '' }
  t.equal(reasonOf(read(moved)), 'malformed')
  const shifted = signed({ ThongTinGiaoDich: 'A|B' })
  t.equal(reasonOf(read(shifted)), 'malformed')
})

t.test('changing, dropping or repeating any hashed field is refused', async (t) => {
  const good = signed()
  for (const name of signedFields.RESULT) {
    t.equal(reasonOf(read({ ...good, [name]: `${good[name]}1` })), 'signature', name)
    const { [name]: _, ...without } = good
    t.equal(reasonOf(read(without)), 'signature', `${name} left out`)
    t.equal(reasonOf(read(JSON.stringify(good).replace('{', `{"${name}":"x",`))), 'repeated-field', `${name} twice`)
  }
  t.equal(reasonOf(read(signed({ SoTien: 8000 }))), 'malformed', 'a number where text belongs')
  for (const MaXacThuc of ['', 'x', String(good.MaXacThuc).slice(1), null, 1, `${good.MaXacThuc}00`]) {
    t.equal(reasonOf(read({ ...good, MaXacThuc })), 'signature', String(MaXacThuc))
  }
  t.equal(reasonOf(nationalPortal.readCallback({ ...post(good), method: 'GET' }, account, context)), 'unsupported')
  t.equal(reasonOf(read('{')), 'malformed')
})

t.test('law: no mutation of a signed result is accepted with another meaning', async () => {
  const good = signed()
  const text = JSON.stringify(good)
  const meant = JSON.stringify(read(good), (_, value) => (typeof value === 'bigint' ? String(value) : value))
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 3 }), async (at, drop, put) => {
      const reading = read(text.slice(0, at) + put + text.slice(at + drop))
      if (reading.kind === 'refused') return
      if (JSON.stringify(reading, (_, value) => (typeof value === 'bigint' ? String(value) : value)) !== meant)
        throw new Error('other meaning')
    }),
    { numRuns: 1000 },
  )
})

t.test('law: values without the separator and their hash determine each other', async () => {
  const values = fc.array(fc.stringMatching(/^[A-Z0-9 .-]{0,4}$/), { minLength: 3, maxLength: 3 })
  const fieldsOf = ([A = '', B = '', C = '']: string[]) => ({ A, B, C })
  await fc.assert(
    fc.asyncProperty(values, values, async (one, other) => {
      const code = authenticationCode(['A', 'B', 'C'], fieldsOf(one), secret)
      if (isAuthentic(code, ['A', 'B', 'C'], fieldsOf(other), secret) !== (one.join('|') === other.join('|')))
        throw new Error('shifted')
    }),
  )
})

t.test('QUERY repeats the time INIT was sent with', async (t) => {
  const { call } = callOf(
    nationalPortal.inquire?.(attempt, account, { ...context, now: new Date('2026-01-05T00:00:00Z') }),
  )
  t.same(jsonOf(call.body), {
    LoaiBanTin: 'QUERY',
    PhienBan: '1.0.6',
    MaDoiTac: 'DEMO01',
    MaThamChieu: attempt.merchantRef,
    ThoiGianGD: '20260102140500',
    MaXacThuc: '9268f0e09d9fa13abfca49e620b727b639553074c92e596139aa38bbac8fe7b1',
  })
  t.equal(call.repeatable, true)
})

t.test('QUERY answers: 1 paid, 4 failed, 3 and everything else waited out', async (t) => {
  const answerOf = (TrangThaiGD: string, overrides: Record<string, unknown> = {}) => {
    const fields: Record<string, unknown> = { ...resultMessage, LoaiBanTin: 'QUERY', TrangThaiGD, ...overrides }
    return json({
      ...fields,
      MaXacThuc: sha256([...signedFields.RESULT.map((name) => fields[name]), fields.TrangThaiGD, secret].join('|')),
    })
  }
  const readIt = (answer: HttpAnswer) => resultOf(nationalPortal.readInquiry?.(answer, null, attempt, account, context))
  t.match(readIt(answerOf('1')), {
    kind: 'outcome',
    outcome: { kind: 'succeeded', amount: 8000n, source: 'INQUIRY', railTransactionId: 'G22.99.3-260102000001' },
  })
  t.match(readIt(answerOf('4')), { kind: 'outcome', outcome: { kind: 'failed' } })
  for (const status of ['3', '2', '0', '9']) t.match(readIt(answerOf(status)), { kind: 'stillPending' }, status)
  t.match(readIt(answerOf('1', { MaLoi: '99' })), { kind: 'stillPending' }, 'paid, but the question failed')
  t.match(readIt(answerOf('1', { MaThamChieu: 'dvcother' })), { kind: 'unverified' }, 'another reference')
  t.match(readIt(answerOf('1', { MaDoiTac: 'DEMO02' })), { kind: 'unverified' })
  t.match(readIt(answerOf('1', { SoTien: '1' })), { outcome: { amount: 1n } }, 'the gateway compares the amount')
  t.match(
    readIt(json({ ...resultMessage, TrangThaiGD: '1', MaXacThuc: signed().MaXacThuc })),
    { kind: 'unverified' },
    'the status is outside the hash',
  )
  t.match(readIt(json({}, 500)), { kind: 'unverified' })
  const loose = { id: 'a', config: accountSchema.parse({ ...plainConfig, queryStatusIsSigned: false }) }
  const unsignedStatus = json({ ...signed(), TrangThaiGD: '1' })
  t.match(
    resultOf(nationalPortal.readInquiry?.(unsignedStatus, null, attempt, loose, context)),
    { kind: 'outcome' },
    'unless configured so',
  )
})

t.test('GET_BILL asks like QUERY and takes nothing but a PDF', async (t) => {
  const call = receiptFileCall(attempt, account)
  t.equal(call.url, 'https://portal.example/bill')
  t.equal(jsonOf(call.body).MaXacThuc, sha256(`GET_BILL|1.0.6|DEMO01|${attempt.merchantRef}|20260102140500|${secret}`))
  const pdf = Buffer.from('%PDF-1.7\n…')
  t.same(readReceiptFile({ status: 200, headers: {}, body: pdf }), pdf)
  t.equal(readReceiptFile(json({ error_code: '1' })), null)
  t.equal(readReceiptFile({ status: 404, headers: {}, body: pdf }), null)
  const asked = callOf(nationalPortal.receiptFile?.(attempt, account, context))
  t.equal(asked.call.url, call.url)
  const read = (answer: HttpAnswer) =>
    resultOf(nationalPortal.readReceiptFile?.(answer, null, attempt, account, context)).kind
  t.equal(read({ status: 200, headers: {}, body: pdf }), 'file')
  t.equal(read(json({})), 'notReady')
})

t.test('our answer is hashed over its own fields, and never echoes the hash of the caller', async (t) => {
  const request = post(signed())
  const table: [Verdict, number, string][] = [
    [{ kind: 'recorded', settlementId: 's' }, 200, '00'],
    [{ kind: 'repeated', settlementId: 's' }, 200, '00'],
    [{ kind: 'alreadyFinal', settlementId: 's' }, 200, '00'],
    [{ kind: 'ignored' }, 200, '00'],
    [{ kind: 'amountMismatch', settlementId: null }, 200, '03'],
    [{ kind: 'unknownReference' }, 200, '02'],
    [{ kind: 'refused', reason: 'signature' }, 200, '01'],
    [{ kind: 'refused', reason: 'malformed' }, 200, '04'],
    [{ kind: 'refused', reason: 'wrong-currency' }, 200, '03'],
    [{ kind: 'unavailable' }, 503, '99'],
  ]
  for (const [verdict, status, code] of table) {
    const reply = nationalPortal.acknowledge(verdict, request, account, context)
    const { MaXacThuc, ...body } = jsonOf(reply.body)
    t.equal(reply.status, status)
    t.match(body, {
      MaLoi: code,
      MaDoiTac: 'DEMO01',
      MaThamChieu: resultMessage.MaThamChieu,
      ThoiGianGD: '20260102140500',
    })
    t.equal(MaXacThuc, sha256(`${code}|${body.MoTaLoi}|DEMO01|${resultMessage.MaThamChieu}|20260102140500|${secret}`))
  }
  const hostile = nationalPortal.acknowledge(
    { kind: 'refused', reason: 'signature' },
    post({ MaThamChieu: 'a|b' }),
    account,
    context,
  )
  t.equal(jsonOf(hostile.body).MaThamChieu, '')
  t.equal(
    reasonOf(read(JSON.stringify({ ...resultMessage, ...jsonOf(hostile.body) }))),
    'signature',
    'our answer does not pass for a result',
  )
})

t.test('references are letters and digits, one per attempt', async (t) => {
  const one = nationalPortal.merchantRef({ sequence: 1n, payCode: 'ABCDEFGHJKMN', now }, account)
  t.match(one, /^[0-9A-Za-z]{16,35}$/)
  t.not(one, nationalPortal.merchantRef({ sequence: 2n, payCode: 'ABCDEFGHJKMN', now }, account))
})
