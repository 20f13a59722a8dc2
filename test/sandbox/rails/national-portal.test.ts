import t, { type Test } from 'tap'
import type { HttpCall, Order, RailAccount, RawRequest, Verdict } from '../../../adapters/contract.ts'
import { nationalPortal } from '../../../adapters/national-portal/index.ts'
import { makeContext } from '../../../src/sandbox/context.ts'
import { type NationalPortal, platformHash, startNationalPortal } from '../../../src/sandbox/rails/national-portal.ts'
import { eventually, type HandTimers, handTimers } from '../hand-timers.ts'
import { fakeGateway, type Sent } from '../test-gateway.ts'

t.test('hashes are the check vectors of domain.md §8.1', async (t) => {
  const base = { MaDoiTac: 'DEMO01', MaThamChieu: 'dvcH5614240823000120260102140500', MaTienTe: 'VND' }
  const info = 'THANH TOAN HO SO H56.14-240823-0001'
  for (const [message, fields, hash] of [
    [
      'INIT',
      {
        ...{ LoaiBanTin: 'INIT', PhienBan: '1.0.6', SoTien: '8000', LoaiHinhThanhToan: 'PAY', MaKenhThanhToan: '1' },
        ...{ MaThietBi: '1', NgonNgu: 'vi-VN', MaNganHang: 'PAYMENT', ThongTinGiaoDich: info },
        ...{ ThoiGianGD: '20260102140500', Ip: '203.0.113.7' },
      },
      '2255b3c58579613d86331583271b50884cefd4c53367bfd353b278de47f9fa94',
    ],
    [
      'RESULT',
      {
        ...{ LoaiBanTin: 'RESULT', MaLoi: '00', SoTien: '8000', MaGiaoDich: 'G22.99.3-260102000001' },
        ...{ MaNganHang: '970415', ThoiGianGD: '20260102140731', ThongTinGiaoDich: info },
      },
      'be8c987d4dab260e5e6bc1976bf87824f934efb74c78753ae01138aaa6e63da6',
    ],
    [
      'QUERY',
      { LoaiBanTin: 'QUERY', PhienBan: '1.0.6', ThoiGianGD: '20260102140500' },
      '9268f0e09d9fa13abfca49e620b727b639553074c92e596139aa38bbac8fe7b1',
    ],
  ] as const)
    t.equal(platformHash(message, { ...base, ...fields }, 'test-secret'), hash, message)
})

type Joined = {
  portal: NationalPortal
  timers: HandTimers
  sent: Sent[]
  verdict: { now: Verdict }
  start(reference: string): Promise<string>
  inquire(reference: string): Promise<unknown>
  account: RailAccount<unknown>
}

/** The platform before the gateway's own adapter. */
async function joined(t: Test): Promise<Joined> {
  const timers = handTimers()
  const portal = await startNationalPortal(makeContext({ timers, clock: timers.clock }), {
    ...{ partnerCode: 'DEMO01', secret: 'test-secret', bearerToken: 'token' },
  })
  t.teardown(() => portal.close())
  const config = nationalPortal.accountSchema.parse({
    ...portal.accountConfig(),
    beneficiary: { account: '113366668888', name: 'SO TU PHAP', bankCode: '970415' },
    agency: { code: 'H56.14', name: 'So Tu phap' },
    procedure: { code: '1.004194', name: 'Dang ky tam tru' },
    onlineService: { code: '1.004194', name: 'Dang ky tam tru' },
  })
  const account = { id: 'a', config }
  const context = { now: timers.clock.now(), requestId: 'r1', serverIp: '127.0.0.1' }
  const verdict: { now: Verdict } = { now: { kind: 'recorded', settlementId: 's1' } }
  const gateway = await fakeGateway(t, ({ method, body }) => {
    const request: RawRequest = { method, path: '', query: '', headers: {}, body: Buffer.from(body) }
    const reading = nationalPortal.readCallback(request, account, context)
    const reply = nationalPortal.acknowledge(
      reading.kind === 'refused' ? { kind: 'refused', reason: reading.reason } : verdict.now,
      request,
      account,
      context,
    )
    return { status: reply.status, body: reply.body }
  })
  portal.callbackUrl = gateway.url
  const order = (merchantRef: string): Order => ({
    ...{ merchantRef, payCode: 'A2345678BCDE', dossierCode: 'H56.14-261120-0001', amount: 8_000n, locale: 'vi' },
    ...{ description: 'A2345678BCDE ho so', payerIp: '203.0.113.7', returnUrl: 'http://127.0.0.1/r' },
    ...{ callbackUrl: gateway.url, createdAt: context.now, expiresAt: context.now, payerInput: {} },
  })
  const send = async ({
    url,
    headers,
    body = '',
  }: HttpCall): Promise<{ status: number; headers: object; body: Uint8Array }> => {
    const answer = await fetch(url, { method: 'POST', headers, body })
    return { status: answer.status, headers: {}, body: await answer.bytes() }
  }
  return {
    ...{ portal, timers, sent: gateway.sent, verdict, account },
    async start(reference) {
      const step = nationalPortal.start?.(order(reference), account, context)
      if (step?.kind !== 'call') throw new Error('the adapter makes no call')
      const read = nationalPortal.readStart?.(
        { ...(await send(step.call)), headers: {} },
        step.state,
        order(reference),
        account,
        context,
      )
      if (read?.kind !== 'done' || read.result.kind !== 'redirect') throw new Error(JSON.stringify(read))
      return read.result.url
    },
    async inquire(merchantRef) {
      const sent = { thoiGianGD: '20261120120000' }
      const attempt = { merchantRef, amount: 8_000n, createdAt: context.now, sent, railTransactionId: null }
      const step = nationalPortal.inquire?.(attempt, account, context)
      if (step?.kind !== 'call') throw new Error('the adapter makes no call')
      const read = nationalPortal.readInquiry?.(
        { ...(await send(step.call)), headers: {} },
        step.state,
        attempt,
        account,
        context,
      )
      return read?.kind === 'done' ? read.result : read
    },
  }
}

t.test('INIT, pay page, result and QUERY are understood by the adapter, and its answer by the platform', async (t) => {
  const { portal, start, inquire } = await joined(t)
  const url = await start('dvc1')
  t.match(await (await fetch(url)).text(), '113366668888')
  t.match(await inquire('dvc1'), { kind: 'stillPending' })
  const { payment, callbackAcks } = await portal.pay(url, 'success')
  t.match(callbackAcks, [{ asExpected: true, meaning: 'MaLoi 00', next: 'stop' }])
  t.match(await inquire('dvc1'), {
    kind: 'outcome',
    outcome: { kind: 'succeeded', amount: 8_000n, railTransactionId: payment.transactionNo },
  })
})

t.test('failed, repeated, differing, forged, late and unknown results are what their names say', async (t) => {
  const { portal, timers, sent, verdict, start, inquire } = await joined(t)
  const go = async (reference: string, way: Parameters<NationalPortal['pay']>[1]): Promise<unknown> =>
    (await portal.pay(await start(reference), way)).callbackAcks
  t.match(await go('dvc1', 'fail'), [{ asExpected: true }])
  t.match(await inquire('dvc1'), { kind: 'outcome', outcome: { kind: 'failed' } })
  t.match(await go('dvc2', 'duplicate'), [{ asExpected: true }, { asExpected: true }])
  t.match(await go('dvc3', 'tampered'), [{ asExpected: true, meaning: 'MaLoi 01' }])
  t.match(await inquire('dvc3'), { kind: 'stillPending' }, 'nothing happened at the platform')
  verdict.now = { kind: 'amountMismatch', settlementId: null }
  t.match(await go('dvc4', 'wrong-amount'), [{ asExpected: true, meaning: 'MaLoi 03' }])
  verdict.now = { kind: 'recorded', settlementId: 's1' }
  const before = sent.length
  t.same(await go('dvc5', 'pending-then-success'), [])
  t.match(await inquire('dvc5'), { kind: 'stillPending' })
  timers.advance(60_000)
  // Both the pending one and the repetition of the differing one are due.
  await eventually(() => sent.slice(before).some(({ body }) => body.includes('dvc5')))
  t.match(await inquire('dvc5'), { kind: 'outcome', outcome: { kind: 'succeeded' } })
})

t.test('a message without token or with a wrong hash, bar or reference is refused', async (t) => {
  const { portal, start } = await joined(t)
  const { initUrl } = portal.accountConfig()
  t.equal((await fetch(initUrl, { method: 'POST', body: '{}' })).status, 401)
  const headers = { authorization: 'Bearer token', 'content-type': 'application/json' }
  const fields = { LoaiBanTin: 'INIT', MaDoiTac: 'DEMO01', ThongTinGiaoDich: 'a|b' }
  for (const body of [{}, { ...fields, MaXacThuc: platformHash('INIT', fields, 'test-secret') }]) {
    const answer = await fetch(initUrl, { method: 'POST', headers, body: JSON.stringify(body) })
    t.match(await answer.json(), { error_code: '01' })
  }
  await start('dvc1')
  await t.rejects(start('dvc1'), /Trung ma tham chieu/)
})

t.test('the receipt file is a PDF once the payment is paid', async (t) => {
  const { portal, start } = await joined(t)
  await portal.pay(await start('dvc1'), 'success')
  const fields = {
    LoaiBanTin: 'GET_BILL',
    PhienBan: '1.0.6',
    MaDoiTac: 'DEMO01',
    MaThamChieu: 'dvc1',
    ThoiGianGD: '20261120120000',
  }
  const answer = await fetch(portal.accountConfig().getBillUrl, {
    method: 'POST',
    headers: { authorization: 'Bearer token' },
    body: JSON.stringify({ ...fields, MaXacThuc: platformHash('QUERY', fields, 'test-secret') }),
  })
  t.match(await answer.text(), /^%PDF-/)
})
