import { readFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import { eventSchemas } from '../../src/delivery/event-schema.ts'
import type { EventType } from '../../src/domain/decision.ts'
import { type EventBody, type EventPayment, eventText } from '../../src/domain/event.ts'

const at = new Date('2026-11-20T05:00:00Z')

const payment: EventPayment = {
  paymentId: 'pay_01',
  settlementId: 'stl_01',
  rail: 'vnpay',
  railAccountId: 'vnpay-h56-14',
  railTransactionId: '14523698',
  merchantRef: 'FG01',
  amount: 999_999_999_999_999n,
  paidAt: new Date('2026-11-20T04:59:58.123Z'),
  lateBySeconds: null,
}

const base: EventBody = {
  id: 'evt_01',
  type: 'invoice.issued',
  occurredAt: at,
  sequence: 1,
  invoice: {
    id: 'inv_01',
    version: 1,
    status: 'ISSUED',
    dossierCode: 'H56.14-261120-0001',
    procedureCode: '1.004194',
    collectingAgencyCode: 'H56.14',
    payCode: 'ABCDEFGH2345',
    total: 4_007_000n,
    items: [
      {
        lineNo: 1,
        rateId: 'temporary-residence-online',
        kind: 'LE_PHI',
        nameVi: 'Lệ phí đăng ký tạm trú',
        net: 7_000n,
        economicCode: '2771',
        taxObligationId: null,
      },
      {
        lineNo: 2,
        rateId: null,
        kind: 'TAX',
        nameVi: 'Thuế thu nhập cá nhân',
        net: 4_000_000n,
        economicCode: null,
        taxObligationId: '11000000000001',
      },
    ],
  },
}

/** What each type of event carries besides the invoice. */
const carried: Record<EventType, Partial<EventBody>> = {
  'invoice.issued': {},
  'invoice.waived': {},
  'invoice.paid': { payment },
  'invoice.cancelled': { reason: 'rút hồ sơ' },
  'invoice.superseded': { successorId: 'inv_02' },
  'invoice.expired': {},
  'invoice.refunded': {
    refund: {
      id: 'ref_01',
      settlementId: 'stl_01',
      reason: 'NOT_GRANTED',
      channel: 'RAIL_REVERSAL',
      amount: 5_000n,
      refundedTotal: 7_000n,
      items: [{ lineNo: 1, amount: 5_000n }],
      reference: 'TESTGW01:14226115',
      refundedAt: new Date('2026-11-21T02:00:00Z'),
    },
  },
  'payment.underpaid': { payment: { ...payment, paymentId: null, merchantRef: null } },
  'payment.reversed': { payment: { ...payment, lateBySeconds: 90 } },
  'receipt.issued': {
    receipt: {
      id: 'rcp_01',
      kind: 'LE_PHI',
      template: 'EBL01',
      symbol: '26TAA',
      number: 12,
      issuedAt: at,
      collectorName: 'Sở Tư pháp',
      collectorTaxCode: '0100111948',
      amount: -7_000n,
      relation: 'ADJUSTS',
      relatesToId: 'rcp_00',
    },
  },
}

const ajv = new Ajv2020.default({ strict: true, allErrors: true })
addFormats.default(ajv)

for (const [type, over] of Object.entries(carried) as [EventType, Partial<EventBody>][]) {
  t.test(`${type} is written as its schema says, with no field more and none less`, (t) => {
    const written: unknown = JSON.parse(eventText({ ...base, ...over, type }))
    t.strictSame(eventSchemas[type].parse(written), written)
    const published = ajv.compile(
      JSON.parse(readFileSync(new URL(`../../contracts/events/${type}.schema.json`, import.meta.url), 'utf8')),
    )
    t.ok(published(written), JSON.stringify(published.errors))
    for (const name of Object.keys(over)) {
      const without = JSON.parse(JSON.stringify(written))
      delete without.data[name]
      t.notOk(published(without), `${name} is part of it`)
    }
    t.ok(
      published(JSON.parse(eventText({ ...base, ...over, type }).replace('{', '{"later":1,'))),
      'fields may be added',
    )
    t.notOk(published(JSON.parse(eventText({ ...base, ...over, type }).replace('4007000', '"4007000"'))))
    t.end()
  })
}
