/** The other side of message set 1.0.6: a portal sends payers to us (domain.md §8.1). */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import type { RawRequest } from '../../../adapters/contract.ts'
import { codeOf, senderCodes, senderSchema } from '../../../adapters/national-portal/sender/account.ts'
import { acceptInit, readInit, refuseInit } from '../../../adapters/national-portal/sender/init.ts'
import { answerQuery, readQuestion, refuseQuestion } from '../../../adapters/national-portal/sender/question.ts'
import { resultCall, resultFault } from '../../../adapters/national-portal/sender/result.ts'
import { signedFields } from '../../../adapters/national-portal/signature.ts'
import { makePayCode } from '../../../src/domain/pay-code.ts'

const secret = 'test-secret-of-16'
const config = senderSchema.parse({ partnerCode: 'DEMO01', secret, resultUrl: 'https://portal.example/result' })
const now = new Date('2026-01-02T07:05:00Z')
const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex')

const initMessage: Record<string, string> = {
  ...{ LoaiBanTin: 'INIT', PhienBan: '1.0.6', MaDoiTac: 'DEMO01', MaThamChieu: 'dvcH5614240823000120260102140500' },
  ...{ SoTien: '8000', LoaiHinhThanhToan: 'PAY', MaKenhThanhToan: '1', MaThietBi: '1', NgonNgu: 'vi-VN' },
  ...{ MaTienTe: 'VND', MaNganHang: 'PAYMENT', ThongTinGiaoDich: 'THANH TOAN HO SO H56.14-240823-0001' },
  ...{ ThoiGianGD: '20260102140500', Ip: '203.0.113.7' },
}
const block = {
  MaHoSo: 'H56.14-240823-0001',
  TKThuHuong: '113366668888',
  PhiLePhi: [{ SoTien: '5000' }, { SoTien: '3000' }],
}

function signed(
  over: Record<string, unknown> = {},
  names: readonly string[] = signedFields.INIT,
): Record<string, unknown> {
  const fields: Record<string, unknown> = { ...initMessage, ...over }
  return { ...fields, MaXacThuc: sha256([...names.map((name) => fields[name] ?? ''), secret].join('|')) }
}
function post(body: unknown, headers: Record<string, string> = {}): RawRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', path: '', query: '', headers, body: Buffer.from(text) }
}
function read(over: Record<string, unknown> = {}, receipt: unknown = block) {
  return readInit(post({ ...signed(over), ThongTinBienLai: receipt }), config, now)
}
function codeRead(reading: ReturnType<typeof readInit>): string {
  return reading.kind === 'refused' ? reading.code : reading.kind
}

t.test('an INIT as the specification writes it: its reference, amount, time and the dossier it names', async (t) => {
  t.match(read(), {
    kind: 'init',
    order: {
      reference: 'dvcH5614240823000120260102140500',
      amount: 8_000n,
      initTime: '20260102140500',
      dossierCode: 'H56.14-240823-0001',
      payCode: null,
      claims: { beneficiaryAccount: '113366668888', feeSum: 8_000n },
    },
  })
  t.match(read({}, null), { kind: 'init', order: { claims: { beneficiaryAccount: null, feeSum: null } } })
})

t.test('the debt is named by signed values only; the unsigned block may confirm and never name', async (t) => {
  const code = makePayCode(Buffer.from(Array.from({ length: 32 }, (_, at) => 40 + at)))
  const cases: [string, Record<string, string>, unknown, string][] = [
    ['by the description', {}, null, 'init'],
    ['by the reference, confirmed by the block', { ThongTinGiaoDich: 'NOP PHI' }, block, 'init'],
    ['by a pay code', { ThongTinGiaoDich: `NOP PHI ${code}`, MaThamChieu: 'x1' }, null, 'init'],
    ['by the block alone', { ThongTinGiaoDich: 'NOP PHI', MaThamChieu: 'x1' }, block, 'unknownDebt'],
    ['by nothing', { ThongTinGiaoDich: 'NOP PHI', MaThamChieu: 'x1' }, null, 'unknownDebt'],
    ['another dossier in the block', {}, { MaHoSo: 'H56.14-240823-0002' }, 'contradiction'],
    [
      'a block that the reference does not confirm',
      { ThongTinGiaoDich: 'NOP PHI' },
      { MaHoSo: 'H56.14-240823-0002' },
      'unknownDebt',
    ],
    ['two dossiers', { ThongTinGiaoDich: 'H56.14-240823-0001 H56.14-240823-0002' }, null, 'contradiction'],
    ['no dossier code in the block', {}, { MaHoSo: 'H56' }, 'malformed'],
    [
      'a piece of a longer word',
      { ThongTinGiaoDich: 'XH56.14-240823-00011-9', MaThamChieu: 'x1' },
      null,
      'unknownDebt',
    ],
    ['fees that are no amounts', {}, { PhiLePhi: [{ SoTien: '-1' }] }, 'malformed'],
  ]
  for (const [name, over, receipt, expected] of cases) t.equal(codeRead(read(over, receipt)), expected, name)
})

t.test('lessons 1, 6, 7: hash first, then each field by its own pattern, no separator, a day either way', async (t) => {
  const cases: [string, Record<string, unknown>, string][] = [
    ['another partner', { MaDoiTac: 'DEMO02' }, 'malformed'],
    ['another version', { PhienBan: '1.0.5' }, 'malformed'],
    ['another message', { LoaiBanTin: 'QUERY' }, 'malformed'],
    ['another currency', { MaTienTe: 'USD' }, 'amountDiffers'],
    ['a leading zero', { SoTien: '08000' }, 'malformed'],
    ['a number where text belongs', { SoTien: 8000 }, 'malformed'],
    ['a bar', { ThongTinGiaoDich: 'H56.14-240823-0001 A|B' }, 'malformed'],
    ['a control character', { ThongTinGiaoDich: 'H56.14-240823-0001\n' }, 'malformed'],
    ['yesterday', { ThoiGianGD: '20260101140459' }, 'malformed'],
    ['no time', { ThoiGianGD: '20260102250000' }, 'malformed'],
    ['a 12-hour clock', { ThoiGianGD: '20260102020500' }, 'init'],
  ]
  for (const [name, over, expected] of cases) t.equal(codeRead(read(over)), expected, name)
  const good = signed()
  for (const name of signedFields.INIT)
    t.equal(codeRead(readInit(post({ ...good, [name]: `${good[name]}1` }), config, now)), 'badSignature', name)
  t.equal(codeRead(readInit(post(JSON.stringify(good).replace('{', '{"SoTien":"1",')), config, now)), 'badSignature')
  t.equal(codeRead(readInit(post('{'), config, now)), 'malformed')
  const shifted = { ...good, SoTien: '800', LoaiHinhThanhToan: '0PAY' }
  t.equal(codeRead(readInit(post(shifted), config, now)), 'badSignature')
})

t.test('law: no mutation of a signed INIT is accepted with another meaning', async () => {
  const text = JSON.stringify(signed())
  const meaning = (body: string): string => {
    const reading = readInit(post(body), config, now)
    return reading.kind === 'refused'
      ? 'refused'
      : `${reading.order.fingerprint.toString('hex')} ${reading.order.amount}`
  }
  const meant = meaning(text)
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 3 }), (at, drop, put) => {
      const got = meaning(text.slice(0, at) + put + text.slice(at + drop))
      return got === 'refused' || got === meant
    }),
    { numRuns: 1_000 },
  )
})

t.test('a bearer token is asked for before anything else, when there is one', async (t) => {
  const strict = senderSchema.parse({ ...config, bearerToken: 'token-of-16-signs' })
  const ask = (headers: Record<string, string>) =>
    codeRead(readInit(post({ ...signed(), ThongTinBienLai: block }, headers), strict, now))
  t.equal(ask({}), 'badSignature')
  t.equal(ask({ authorization: 'Bearer token-of-16-sign' }), 'badSignature')
  t.equal(ask({ authorization: 'Bearer token-of-16-signs' }), 'init')
})

t.test('answers to INIT lead the browser or name a code; only 0 is known, the rest is configuration', async (t) => {
  const accepted = JSON.parse(acceptInit('https://pay.example/pay/x', config).body)
  t.same(accepted, { error_code: '0', message: '{"UrlThanhToan":"https://pay.example/pay/x"}' })
  for (const name of Object.keys(senderCodes) as (keyof typeof senderCodes)[])
    if (name !== 'accepted') t.match(refuseInit(name, config), { status: name === 'unavailable' ? 503 : 200 })
  const own = senderSchema.parse({ ...config, codes: { alreadyPaid: '77' } })
  t.equal(codeOf('alreadyPaid', own), '77')
  t.equal(codeOf('unknownDebt', own), senderCodes.unknownDebt)
})

t.test(
  'QUERY is read by its vector and answered over all its fields; a question is never taken for another',
  async (t) => {
    const query = {
      ...{ LoaiBanTin: 'QUERY', PhienBan: '1.0.6', MaDoiTac: 'DEMO01', MaThamChieu: initMessage.MaThamChieu },
      ThoiGianGD: '20260102140500',
    }
    const asked = post({ ...query, MaXacThuc: sha256(`${Object.values(query).join('|')}|${secret}`) })
    t.match(readQuestion(asked, 'QUERY', config), {
      kind: 'question',
      reference: initMessage.MaThamChieu,
      initTime: '20260102140500',
    })
    t.match(readQuestion(asked, 'GET_BILL', config), { kind: 'refused', code: 'malformed' })
    const order = { reference: 'dvc1', amount: 8_000n, description: 'HO SO' }
    const paid = { kind: 'paid', settlementId: 'stl_1', paidAt: new Date('2026-01-02T07:07:31Z') } as const
    const answer = JSON.parse(answerQuery(order, paid, config, now).body)
    t.match(answer, {
      MaLoi: '00',
      TrangThaiGD: '1',
      MaGiaoDich: 'stl_1',
      SoTien: '8000',
      ThoiGianGD: '20260102140731',
    })
    t.equal(
      answer.MaXacThuc,
      sha256([...[...signedFields.RESULT, 'TrangThaiGD'].map((name) => answer[name]), secret].join('|')),
    )
    t.match(JSON.parse(answerQuery(order, { kind: 'pending' }, config, now).body), {
      MaLoi: '99',
      TrangThaiGD: '3',
      MaGiaoDich: '',
    })
    t.match(JSON.parse(answerQuery(order, { kind: 'failed' }, config, now).body), { MaLoi: '99', TrangThaiGD: '4' })
    const refused = JSON.parse(refuseQuestion('unknownDebt', post({ MaThamChieu: 'a|b' }), config, now).body)
    t.match(refused, { MaLoi: '02', MaThamChieu: '' })
    t.equal(refused.MaXacThuc, sha256([...signedFields.ANSWER.map((name) => refused[name]), secret].join('|')))
  },
)

t.test('a result is the same at every call; only an answer over its own fields counts as taken', async (t) => {
  const order = { reference: 'dvc1', amount: 8_000n, description: 'HO SO' }
  const paid = { kind: 'paid', settlementId: 'stl_1', paidAt: new Date('2026-01-02T07:07:31Z') } as const
  const call = resultCall(order, paid, config)
  t.same(call, resultCall(order, paid, config))
  const sent = JSON.parse(call.body ?? '{}')
  t.equal(sent.MaXacThuc, sha256([...signedFields.RESULT.map((name) => sent[name]), secret].join('|')))
  const fields: Record<string, string> = {
    MaLoi: '00',
    MoTaLoi: 'ok',
    MaDoiTac: 'DEMO01',
    MaThamChieu: 'dvc1',
    ThoiGianGD: '20260102140800',
  }
  const hash = (over: Record<string, string>) =>
    sha256([...signedFields.ANSWER.map((name) => ({ ...fields, ...over })[name]), secret].join('|'))
  const fault = (body: unknown, status = 200, by = config) =>
    resultFault({ status, headers: {}, body: Buffer.from(JSON.stringify(body)) }, order, by)
  t.equal(fault({ ...fields, MaXacThuc: hash({}) }), null)
  t.match(fault({ ...fields, MaXacThuc: sent.MaXacThuc }), /own fields/, 'our own hash sent back proves nothing')
  t.match(fault(fields), /own fields/)
  t.match(fault({ ...fields, MaXacThuc: hash({}) }, 500), /HTTP 500/)
  t.match(fault({ ...fields, MaLoi: '01', MaXacThuc: hash({ MaLoi: '01' }) }), /MaLoi 01/)
  t.match(fault({ ...fields, MaThamChieu: 'x', MaXacThuc: hash({ MaThamChieu: 'x' }) }), /another result/)
  t.equal(fault(fields, 200, senderSchema.parse({ ...config, resultAnswerHash: 'none' })), null, 'unless configured so')
})
