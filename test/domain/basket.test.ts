import { readFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import t from 'tap'
import { eventSchemas } from '../../src/delivery/event-schema.ts'
import { type BasketMember, basketPaidText, basketSums, partOf } from '../../src/domain/basket.ts'
import type { InvoiceStatus } from '../../src/domain/decision.ts'

const statuses = [
  'ISSUED',
  'PAYING',
  'PAID',
  'PARTIALLY_REFUNDED',
  'REFUNDED',
  'WAIVED',
  'SUPERSEDED',
  'CANCELLED',
  'EXPIRED',
] as const satisfies readonly InvoiceStatus[]

const of = (...given: InvoiceStatus[]): BasketMember[] =>
  given.map((status, index) => ({ id: `inv_${index + 1}`, lineNo: index + 1, status, total: 10n ** BigInt(index) }))

t.test('what invoices add up to, case by case', async (t) => {
  const cases: [InvoiceStatus[], string, paid: bigint, owed: bigint, lapsed: bigint][] = [
    [['ISSUED', 'PAYING'], 'OPEN', 0n, 11n, 0n],
    [['PAID', 'ISSUED'], 'PARTLY_PAID', 1n, 10n, 0n],
    [['PAID', 'PAID'], 'PAID', 11n, 0n, 0n],
    [['PAID', 'CANCELLED', 'WAIVED', 'SUPERSEDED'], 'PAID', 1n, 0n, 0n],
    [['PAID', 'EXPIRED'], 'PARTLY_PAID', 1n, 0n, 10n],
    [['EXPIRED', 'EXPIRED'], 'OPEN', 0n, 0n, 11n],
    [['CANCELLED', 'WAIVED'], 'CLOSED', 0n, 0n, 0n],
    [['REFUNDED', 'PARTIALLY_REFUNDED'], 'PAID', 11n, 0n, 0n],
  ]
  for (const [given, status, paid, owed, lapsed] of cases)
    t.match(basketSums(of(...given)), { status, paid, owed, lapsed, total: paid + owed + lapsed }, given.join(' '))
})

t.test('an expired invoice counts until a later one stands in its place', async (t) => {
  const [expired, other] = of('EXPIRED', 'PAID') as [BasketMember, BasketMember]
  const again: BasketMember = { ...expired, id: 'inv_9', status: 'ISSUED' }
  t.equal(partOf(expired, [expired, other]), 'LAPSED')
  t.equal(partOf(expired, [expired, again, other]), 'REPLACED')
  t.match(basketSums([expired, again, other]), { status: 'PARTLY_PAID', owed: 1n, lapsed: 0n })
  t.equal(partOf({ ...expired, id: 'inv_99' }, [expired, again]), 'LAPSED', 'the later one that expired as well counts')
})

const baskets = fc
  .array(fc.record({ status: fc.constantFrom(...statuses), total: fc.bigInt(0n, 10n ** 15n) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((rows) => rows.map((row, index): BasketMember => ({ ...row, id: `inv_${index}`, lineNo: index + 1 })))

t.test('a basket is never called paid while anything is left, and every đồng demanded is in one sum', async (t) => {
  fc.assert(
    fc.property(baskets, (members) => {
      const { status, total, paid, owed, lapsed } = basketSums(members)
      const left = members.filter((member) => ['OWED', 'LAPSED'].includes(partOf(member, members)))
      const wasPaid = members.some((member) => partOf(member, members) === 'PAID')
      const done = status === 'PAID' || status === 'CLOSED'
      return (
        done === (left.length === 0) &&
        (status === 'PAID' || status === 'PARTLY_PAID') === wasPaid &&
        total === paid + owed + lapsed &&
        (!done || owed + lapsed === 0n)
      )
    }),
  )
  t.pass()
})

t.test('basket.paid is written as its schema says, with no field more and none less', async (t) => {
  const ajv = new Ajv2020.default({ strict: true, allErrors: true })
  addFormats.default(ajv)
  const published = ajv.compile(
    JSON.parse(readFileSync(new URL('../../contracts/events/basket.paid.schema.json', import.meta.url), 'utf8')),
  )
  const at = new Date('2026-11-20T05:00:00Z')
  const invoices = of('PAID', 'CANCELLED', 'SUPERSEDED', 'REFUNDED').map((member) => ({
    ...member,
    total: 999_999_999_999_999n,
    dossierCode: 'H56.14-261120-0001',
    collectingAgencyCode: 'H56.14',
    payCode: 'ABCDEFGH2345',
  }))
  const text = basketPaidText({ id: 'evt_1', occurredAt: at, basketId: 'bsk_1', paidAt: at, invoices })
  const written: unknown = JSON.parse(text)
  t.strictSame(eventSchemas['basket.paid'].parse(written), written)
  t.ok(published(written), JSON.stringify(published.errors))
  t.match(text, '"total":1999999999999998', 'sums stay exact')
  t.notOk(published(JSON.parse(text.replace('"paid":1999999999999998', '"paid":"1"'))))
})
