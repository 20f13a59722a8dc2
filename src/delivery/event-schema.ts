/**
 * The events as their receivers see them; contracts/events is generated from here. `domain/event.ts` writes the text of an
 * event, and test/contracts.test.ts holds the two together. Receivers must pass over fields they do not know.
 */
import { z } from 'zod'
import type { BasketEventType } from '../domain/basket.ts'
import type { EventType, InvoiceStatus } from '../domain/decision.ts'
import { refundChannels } from '../domain/refund.ts'
import { refundReasons } from '../domain/refund-rules.ts'

const amount = z.int().min(0).meta({ description: 'Whole VND' })
const time = (description: string) => z.iso.datetime().meta({ description: `RFC 3339 UTC. ${description}` })

const invoiceStatuses = [
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

const item = z.object({
  lineNo: z.int().min(1),
  rateId: z
    .string()
    .nullable()
    .meta({ description: 'Rate of the fee catalogue; null for an amount set by a decision' }),
  kind: z.enum(['PHI', 'LE_PHI', 'TAX', 'FINE', 'POSTAGE']),
  nameVi: z.string(),
  amount: amount.meta({ description: 'Whole VND owed for this line, after reductions' }),
  economicCode: z.string().nullable().meta({ description: 'Sub-item of the state budget index' }),
  taxObligationId: z.string().nullable(),
})

const invoice = z.object({
  id: z.string(),
  version: z.int().min(1),
  status: z.enum(invoiceStatuses).meta({ description: 'When the event happened; a later event may have changed it' }),
  dossierCode: z.string(),
  procedureCode: z.string(),
  collectingAgencyCode: z.string(),
  payCode: z.string(),
  total: amount,
  currency: z.literal('VND'),
  items: z.array(item).min(1),
})

const payment = z.object({
  id: z.string().nullable().meta({ description: 'The attempt; null when the money came without one' }),
  settlementId: z.string(),
  rail: z.string(),
  railAccountId: z.string(),
  railTransactionId: z.string().meta({ description: "The bank's own number of the transaction" }),
  merchantRef: z.string().nullable().meta({ description: 'Our reference at the bank' }),
  amount: amount.meta({ description: 'Whole VND that came or went; can differ from the total' }),
  currency: z.literal('VND'),
  paidAt: time("Time at the payer's bank. It restarts deadlines, so never use the time of arrival instead"),
  lateBySeconds: z
    .int()
    .min(0)
    .nullable()
    .meta({ description: 'Seconds after the invoice expired; null when in time' }),
  online: z.boolean().meta({ description: 'False for cash at a one-stop counter' }),
})

const basket = z.object({
  id: z.string(),
  status: z.literal('PAID'),
  total: amount,
  paid: amount,
  currency: z.literal('VND'),
  paidAt: time("Time at the payer's bank of the last payment that was needed"),
  invoices: z
    .array(
      z.object({
        id: z.string(),
        part: z.enum(['PAID', 'NOTHING_OWED', 'REPLACED']).meta({
          description: 'What it meant for the basket: paid, cancelled or waived, or another invoice took its place',
        }),
        status: z.enum(invoiceStatuses),
        dossierCode: z.string(),
        collectingAgencyCode: z.string(),
        payCode: z.string(),
        total: amount,
      }),
    )
    .min(1),
})

const receipt = z.object({
  id: z.string().meta({ description: 'GET /v1/invoices/{id}/receipts has the signed receipt under it' }),
  kind: z.enum(['PHI', 'LE_PHI']),
  template: z.string(),
  symbol: z.string(),
  number: z.int().min(1),
  issuedAt: time('When it was issued'),
  collector: z.object({ name: z.string(), taxCode: z.string() }),
  amount: z.int().meta({ description: 'Whole VND; below zero when it takes something back' }),
  currency: z.literal('VND'),
  relation: z.enum(['ADJUSTS', 'REPLACES']).nullable().meta({ description: 'What it does to another receipt' }),
  relatesToId: z.string().nullable().meta({ description: 'That receipt' }),
})

const refund = z.object({
  id: z.string(),
  settlementId: z.string().meta({ description: 'The payment it goes back from: settlementId of invoice.paid' }),
  reason: z.enum(refundReasons),
  channel: z.enum(refundChannels),
  amount: amount.meta({ description: 'Whole VND that went back now' }),
  refundedTotal: amount.meta({ description: 'Whole VND of this invoice that went back so far, this refund included' }),
  currency: z.literal('VND'),
  items: z.array(z.object({ lineNo: z.int().min(1), amount })).min(1),
  reference: z.string().nullable().meta({ description: "The bank's own number of it" }),
  refundedAt: time('When the bank gave it back, as far as it told'),
})

const sequence = z.int().min(1).meta({ description: 'Order of the events of one invoice' })
const plain = z.object({ sequence, invoice })
const withPayment = plain.extend({ payment })

function event<Type extends string, Data extends z.ZodType>(type: Type, description: string, data: Data) {
  return z
    .object({
      id: z.string().meta({
        description:
          'The same at every attempt and replay, and in the header webhook-id: drop what was seen before by it',
      }),
      type: z.literal(type),
      timestamp: time('When it happened'),
      data,
    })
    .meta({ title: type, description })
}

/** By event type. */
export const eventSchemas = {
  'invoice.issued': event('invoice.issued', 'A demand to pay was issued and signed.', plain),
  'invoice.waived': event('invoice.waived', 'Nothing is owed: the total is zero.', plain),
  'invoice.paid': event('invoice.paid', 'The money is there. The dossier may go on.', withPayment),
  'invoice.cancelled': event('invoice.cancelled', 'The demand was taken back.', plain.extend({ reason: z.string() })),
  'invoice.superseded': event(
    'invoice.superseded',
    'Another demand took its place.',
    plain.extend({ successorId: z.string().meta({ description: 'Id of the new invoice' }) }),
  ),
  'invoice.expired': event('invoice.expired', 'The time to pay is over.', plain),
  'invoice.refunded': event(
    'invoice.refunded',
    'Collected money went back to the payer: status tells whether all of it. Money that paid nothing goes back without an event.',
    plain.extend({ refund }),
  ),
  'payment.underpaid': event('payment.underpaid', 'Less than owed came: not paid, an officer decides.', withPayment),
  'payment.reversed': event('payment.reversed', 'The bank took a payment back: an officer decides.', withPayment),
  'basket.paid': event(
    'basket.paid',
    'Nothing of the basket is left to pay. The events of its invoices come as ever, before or after this one.',
    z.object({ basket }),
  ),
  'receipt.issued': event(
    'receipt.issued',
    'A legal receipt was issued, or one that adjusts or replaces another.',
    plain.extend({ receipt }),
  ),
  'webhook.test': event(
    'webhook.test',
    'Sent when asked for, to try an endpoint. It is not stored and not in the event feed.',
    z.object({ endpointId: z.string() }),
  ),
} as const satisfies Record<EventType | BasketEventType | 'webhook.test', z.ZodType>
