/** The platform's side for the conformance suite, from domain.md §8.1. */
import { createHash } from 'node:crypto'
import {
  type Conformance,
  type ConformanceMode,
  jsonAcknowledgement,
  jsonAnswer,
  jsonRequest,
  objectIn,
  type Proof,
  type SampleCallback,
  textOf,
  wallClock,
  withoutField,
} from '../conformance.ts'
import type { HttpReply, RailAccount, Verdict } from '../contract.ts'

const config = {
  initUrl: 'https://portal.example/init',
  queryUrl: 'https://portal.example/query',
  getBillUrl: 'https://portal.example/bill',
  bearerToken: 'portal-bearer-token-of-partner-one',
  partnerCode: 'CONFORM01',
  secret: 'portal-secret-of-partner-number-one',
  payPageHosts: ['pay.portal.example'],
  beneficiary: { account: '113366668888', name: 'SO TU PHAP', bankCode: '970415' },
  agency: { code: 'H56.14', name: 'Sở Tư pháp' },
  procedure: { code: '1.004194', name: 'Đăng ký tạm trú' },
  onlineService: { code: '1.004194', name: 'Đăng ký tạm trú' },
}
type Config = typeof config
const other: Config = {
  ...config,
  partnerCode: 'CONFORM02',
  secret: 'portal-secret-of-partner-number-two',
  bearerToken: 'portal-bearer-token-of-partner-two',
}

/** domain.md §8.1, its table. */
const orders = {
  INIT: 'LoaiBanTin PhienBan MaDoiTac MaThamChieu SoTien LoaiHinhThanhToan MaKenhThanhToan MaThietBi NgonNgu MaTienTe MaNganHang ThongTinGiaoDich ThoiGianGD Ip',
  RESULT: 'LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich',
  QUERIED:
    'LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich TrangThaiGD',
  ANSWER: 'MaLoi MoTaLoi MaDoiTac MaThamChieu ThoiGianGD',
}

function bars(order: keyof typeof orders, fields: Readonly<Record<string, unknown>>): string {
  return orders[order]
    .split(' ')
    .map((name) => textOf(fields[name]))
    .join('|')
}

/** A plain hash over the values with the secret behind them. */
function hash(order: keyof typeof orders, fields: Readonly<Record<string, unknown>>, secret: string): string {
  return createHash('sha256')
    .update(`${bars(order, fields)}|${secret}`)
    .digest('hex')
}

const proof: Proof = {
  covers: (request) => bars('RESULT', objectIn(request.body)),
  carrier: { field: 'MaXacThuc' },
  spelling: 'hex',
  over: 'fields',
  signed: orders.RESULT.split(' '),
}

function result(name: string, reads: SampleCallback['reads'], MaLoi: string): SampleCallback<Config> {
  return {
    name,
    reads,
    proof,
    tellsTime: reads === 'succeeded',
    namesCurrency: true,
    send({ merchantRef, amount, currency, transaction, at }, { account, keysOf }) {
      const fields = {
        LoaiBanTin: 'RESULT',
        MaLoi,
        MaDoiTac: account.config.partnerCode,
        MaThamChieu: merchantRef,
        SoTien: String(amount),
        MaTienTe: currency,
        MaGiaoDich: transaction,
        MaNganHang: '970415',
        ThoiGianGD: wallClock(at),
        ThongTinGiaoDich: 'THANH TOAN HO SO H56.14',
      }
      return jsonRequest({ ...fields, MaXacThuc: hash('RESULT', fields, keysOf.config.secret) })
    },
    key: ({ transaction }) => transaction,
  }
}

/** Only `00` is known; the other codes are configuration, here by their defaults. */
function acknowledge(
  verdict: Verdict,
  telling: { readonly merchantRef: string } | null,
  account: RailAccount<Config>,
  now: Date,
): HttpReply {
  const answers: Record<string, readonly [number, string, string]> = {
    amountMismatch: [200, '03', 'Sai so tien'],
    unknownReference: [200, '02', 'Khong tim thay giao dich'],
    'wrong-account': [200, '02', 'Khong tim thay giao dich'],
    'wrong-currency': [200, '03', 'Tien te khong hop le'],
    malformed: [200, '04', 'Ban tin khong hop le'],
    stale: [200, '04', 'Ban tin qua han'],
    unsupported: [200, '04', 'Ban tin khong ho tro'],
    signature: [200, '01', 'Sai ma xac thuc'],
    auth: [200, '01', 'Sai ma xac thuc'],
    'repeated-field': [200, '01', 'Sai ma xac thuc'],
    unavailable: [503, '99', 'Tam thoi khong san sang'],
  }
  const [status, MaLoi, MoTaLoi] = answers[verdict.kind === 'refused' ? verdict.reason : verdict.kind] ?? [
    200,
    '00',
    'Thanh cong',
  ]
  const fields = {
    MaLoi,
    MoTaLoi,
    MaDoiTac: account.config.partnerCode,
    MaThamChieu: telling?.merchantRef ?? '',
    ThoiGianGD: wallClock(now),
  }
  return jsonAcknowledgement(status, { ...fields, MaXacThuc: hash('ANSWER', fields, account.config.secret) })
}

const mode: ConformanceMode<Config> = {
  name: '1.0.6',
  config,
  other,
  reference: /^[0-9A-Za-z]{1,50}$/,
  callbacks: [result('paid', 'succeeded', '00'), result('failed', 'failed', '24')],
  acknowledge,
  start: {
    leadsTo: 'redirect',
    exchange: {
      answers: 'connection',
      nameless: true,
      findings: ['opened', 'refused'],
      answer: (_call, finding) =>
        jsonAnswer(
          finding === 'opened'
            ? { error_code: '0', message: JSON.stringify({ UrlThanhToan: 'https://pay.portal.example/p?t=1' }) }
            : { error_code: '5', message: 'no' },
        ),
    },
    told([order], account) {
      const fields = objectIn(order?.body ?? '')
      return {
        merchantRef: textOf(fields.MaThamChieu),
        amount: BigInt(textOf(fields.SoTien)),
        description: textOf(fields.ThongTinGiaoDich),
        signed: fields.MaXacThuc === hash('INIT', fields, account.config.secret) && fields.MaTienTe === 'VND',
      }
    },
  },
  inquiry: {
    answers: 'signed',
    findings: ['succeeded', 'failed', 'stillPending'],
    answer(_call, finding, { telling }, { account, keysOf }) {
      const fields = {
        LoaiBanTin: 'QUERY_RESULT',
        MaLoi: finding === 'failed' ? '24' : '00',
        MaDoiTac: account.config.partnerCode,
        MaThamChieu: telling.merchantRef,
        SoTien: String(telling.amount),
        MaTienTe: 'VND',
        MaGiaoDich: telling.transaction,
        MaNganHang: '970415',
        ThoiGianGD: wallClock(telling.at),
        ThongTinGiaoDich: 'THANH TOAN HO SO H56.14',
        TrangThaiGD: { succeeded: '1', failed: '4', held: '3', stillPending: '3', notFound: '9' }[finding],
      }
      return jsonAnswer({ ...fields, MaXacThuc: hash('QUERIED', fields, keysOf.config.secret) })
    },
    unsigned: (signed) => withoutField(signed, 'MaXacThuc'),
  },
}

export const conformance: Conformance = () => [mode]
