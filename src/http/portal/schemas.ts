/**
 * What portals send and get, as zod schemas: checked once, here, and published as OpenAPI. Unknown fields are refused.
 * Codes of domain.md §4 are only bounded here; `invoice/issue.ts` reads them with the domain's own parsers.
 */
import { z } from 'zod'

/** Whole VND as a JSON integer; far above any fee, far below what JSON numbers hold exactly. */
export const amount = z
  .number()
  .int()
  .min(1)
  .max(999_999_999_999_999)
  .meta({ description: 'Whole VND', examples: [58000] })
export const amountOut = z
  .number()
  .int()
  .min(0)
  .meta({ description: 'Whole VND', examples: [58000] })

/** No control characters, no bars, no zero-width or direction marks: such text could lie on a screen or in a signed message. */
export const plainText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(
      /^(?=.*\S)[^\p{C}|]*$/u,
      'must have visible text without control characters, invisible characters and vertical bars | Phải có chữ, không dùng ký tự điều khiển, ký tự ẩn hoặc dấu gạch đứng',
    )

export const code = (max: number) => z.string().min(1).max(max)
const localDate = z.iso.date().meta({ description: 'Calendar date in Asia/Ho_Chi_Minh', examples: ['2026-11-20'] })
export const instant = z.iso
  .datetime({ offset: true })
  .meta({ description: 'RFC 3339', examples: ['2026-11-20T03:00:00Z'] })
export const instantOut = z.string().meta({ description: 'RFC 3339 UTC', format: 'date-time' })

const person = z
  .strictObject({
    name: plainText(255),
    personalId: code(20).optional().meta({ description: '12-digit personal id, 9-digit old id, or passport number' }),
    taxCode: code(20).optional(),
    phone: code(20).optional(),
    address: plainText(400).optional(),
  })
  .meta({ description: 'Kept to the minimum the receipt needs' })

const decision = z
  .strictObject({
    number: plainText(60),
    date: localDate,
    authority: plainText(255),
  })
  .meta({ description: 'The notice or decision that sets the amount (taxes, fines)' })

const measure = {
  quantity: z.number().int().min(1).max(100_000).default(1),
  copies: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({ description: 'Per-page fees: number of copies; quantity counts pages of one copy' }),
  baseAmount: amount.optional().meta({ description: 'Percent fees: the taxable or appraised value' }),
  amount: z
    .number()
    .int()
    .min(0)
    .max(999_999_999_999_999)
    .optional()
    .meta({ description: 'If sent, must equal the computed net amount' }),
}

export const invoiceItem = z
  .union([
    z
      .strictObject({ feeCode: code(80), ...measure })
      .meta({ title: 'Fee of the catalogue, its rate chosen by FeeGate' }),
    z.strictObject({ rateId: code(80), ...measure }).meta({ title: 'Rate of the catalogue' }),
    z
      .strictObject({
        kind: z.enum(['TAX', 'FINE']),
        nameVi: plainText(255),
        amount,
        economicCode: code(4),
        chapterCode: code(3).optional(),
        taxObligationId: code(40).optional(),
        decision,
      })
      .meta({ title: 'Amount set by a decision' }),
  ])
  .meta({ description: 'A fee or rate of the catalogue, or an amount set by a decision' })

export const issueInvoice = z
  .strictObject({
    dossierCode: code(80).meta({ examples: ['H56.14-261120-0001'] }),
    procedureCode: code(60).meta({ examples: ['2.001195'] }),
    onlineServiceCode: code(60).optional(),
    collectingAgencyCode: code(40).meta({ examples: ['H56.14'] }),
    resolvingAgencyCode: code(40).optional().meta({ description: 'Defaults to the collecting agency' }),
    collectionMode: z.enum(['UPFRONT', 'AFTER']),
    submittedOn: localDate.optional().meta({
      description:
        'Day the dossier was submitted: fixes the price when collectionMode is UPFRONT; defaults to the day in the dossier code',
    }),
    serviceCase: code(60).optional(),
    payerGroups: z.array(code(60)).max(10).default([]),
    eIdLevel: z.number().int().min(0).max(3).optional(),
    channel: z.enum(['ONLINE', 'COUNTER']).default('ONLINE'),
    area: code(60).optional(),
    submitter: person,
    dossierOwner: person.optional(),
    payer: person.optional(),
    items: z.array(invoiceItem).min(1).max(50),
    beneficiaryAccountId: code(40)
      .optional()
      .meta({ description: "One of the agency's accounts; the agency's only active one by default" }),
    dueAt: instant.optional(),
    expiresAt: instant.optional().meta({ description: 'Between 15 minutes and 90 days away; 7 days by default' }),
    returnUrl: z
      .url({ protocol: /^https?$/ })
      .max(500)
      .optional()
      .meta({ description: "Where the payment page leads back to; at one of the client's registered origins" }),
  })
  .meta({ id: 'IssueInvoice' })

export type IssueInvoiceBody = z.infer<typeof issueInvoice>

export const issueBatch = z
  .strictObject({ invoices: z.array(z.unknown()).min(1).max(1000) })
  .meta({ id: 'IssueBatch', description: 'Each entry is an IssueInvoice; each gets its own result' })

export const money = { amount: amountOut, currency: z.literal('VND') }

export const qrAnswer = z
  .object({
    payload: z.string(),
    bankBin: z.string(),
    accountNumber: z.string(),
    accountName: z.string(),
    content: z.string(),
    ...money,
  })
  .meta({ description: 'VietQR: EMVCo text to draw, and the same transfer in words' })

export const invoiceAnswer = z
  .object({
    id: z.string(),
    version: z.number().int(),
    status: z.enum([
      'ISSUED',
      'PAYING',
      'PAID',
      'PARTIALLY_REFUNDED',
      'REFUNDED',
      'WAIVED',
      'SUPERSEDED',
      'CANCELLED',
      'EXPIRED',
    ]),
    dossierCode: z.string(),
    procedureCode: z.string(),
    onlineServiceCode: z.string().nullable(),
    resolvingAgencyCode: z.string(),
    collectingAgencyCode: z.string(),
    beneficiaryAccountId: z.string(),
    collectionMode: z.enum(['UPFRONT', 'AFTER']),
    items: z.array(
      z.object({
        lineNo: z.number().int(),
        rateId: z.string().nullable(),
        rateVersion: z.number().int().nullable(),
        kind: z.enum(['PHI', 'LE_PHI', 'TAX', 'FINE', 'POSTAGE']),
        nameVi: z.string(),
        quantity: z.number().int(),
        gross: amountOut,
        adjustmentId: z.string().nullable(),
        reductionAmount: amountOut,
        net: amountOut,
        economicCode: z.string().nullable(),
        creditorTaxCode: z.string(),
        taxObligationId: z.string().nullable(),
        basis: z.object({ document: z.string(), article: z.string() }),
      }),
    ),
    total: amountOut,
    currency: z.literal('VND'),
    issuedAt: instantOut,
    dueAt: instantOut.nullable(),
    expiresAt: instantOut,
    paidAt: instantOut.nullable(),
    lateBySeconds: z.number().int().nullable(),
    supersedesId: z.string().nullable(),
    supersededById: z.string().nullable(),
    cancelReason: z.string().nullable(),
    payCode: z.string(),
    payUrl: z.string(),
    vietQr: qrAnswer.nullable(),
    jws: z.string().meta({
      description: 'Compact JWS over everything that leads money somewhere; verify with /.well-known/jwks.json',
    }),
  })
  .meta({ id: 'Invoice' })

export type InvoiceAnswer = z.infer<typeof invoiceAnswer>

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    action: z.string(),
    en: z.object({ title: z.string(), detail: z.string(), action: z.string() }),
    errors: z.array(z.object({ field: z.string(), code: z.string(), vi: z.string(), en: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457, Vietnamese first and English under `en`' })

export const batchAnswer = z
  .object({
    results: z.array(
      z.object({ index: z.number().int(), invoice: invoiceAnswer.optional(), problem: problemSchema.optional() }),
    ),
    issued: z.number().int(),
    refused: z.number().int(),
  })
  .meta({ id: 'BatchResult' })

export const cancelInvoiceBody = z.strictObject({ reason: plainText(300) }).meta({ id: 'CancelInvoice' })

export const invoiceParams = z.object({ id: z.string().regex(/^inv_[0-9a-z]{26}$/) })
export const paymentParams = z.object({ id: z.string().regex(/^pay_[0-9a-z]{26}$/) })
export const endpointParams = z.object({ id: z.string().regex(/^whe_[0-9a-z]{26}$/) })
export const eventParams = z.object({ id: z.string().regex(/^evt_[0-9a-z]{26}$/) })

export const listInvoicesQuery = z.strictObject({
  status: invoiceAnswer.shape.status.optional(),
  dossierCode: code(80).optional(),
  agencyCode: code(40).optional(),
  issuedFrom: instant.optional(),
  issuedBefore: instant.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .max(100)
    .regex(/^inv_[0-9a-z]{26}$/)
    .optional(),
})

export const invoiceList = z
  .object({ invoices: z.array(invoiceAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'InvoiceList' })

export const startPaymentBody = z
  .strictObject({
    railAccountId: code(80),
    locale: z.enum(['vi', 'en']).default('vi'),
    channel: z.enum(['ONLINE', 'COUNTER']).default('ONLINE').meta({ description: 'Where the payer is' }),
    payerIp: z.union([z.ipv4(), z.ipv6()]),
    payerInput: z
      .record(
        z
          .string()
          .max(40)
          .regex(/^[A-Za-z][A-Za-z0-9]*$/),
        z.string().max(200),
      )
      .default({}),
  })
  .meta({ id: 'StartPayment' })

export const paymentAnswer = z
  .object({
    id: z.string(),
    invoiceId: z.string(),
    railAccountId: z.string(),
    rail: z.string(),
    merchantRef: z.string(),
    status: z.enum(['CREATED', 'REDIRECTED', 'SUCCEEDED', 'FAILED', 'UNKNOWN']),
    statusReason: z.string().nullable(),
    instruction: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'How the payer goes on: kind is redirect, form, qr, otpChallenge, refused or wait' }),
    railTransactionId: z.string().nullable(),
    paidAt: instantOut.nullable(),
    createdAt: instantOut,
    expiresAt: instantOut,
    ...money,
  })
  .meta({ id: 'Payment' })

export const registerEndpointBody = z
  .strictObject({ url: z.string().min(8).max(2048) })
  .meta({ id: 'RegisterWebhookEndpoint' })
export const rotateSecretBody = z
  .strictObject({ overlapHours: z.number().int().min(0).max(168).default(24) })
  .meta({ id: 'RotateWebhookSecret' })

export const endpointAnswer = z
  .object({
    id: z.string(),
    url: z.string(),
    status: z.enum(['ACTIVE', 'PAUSED']),
    pausedReason: z.string().nullable(),
    consecutiveFailures: z.number().int(),
    createdAt: instantOut,
    secret: z.string().optional().meta({ description: 'Shown once: at registration and rotation' }),
  })
  .meta({ id: 'WebhookEndpoint' })

export const endpointList = z.object({ endpoints: z.array(endpointAnswer) }).meta({ id: 'WebhookEndpointList' })
export const testAnswer = z
  .object({ delivered: z.boolean(), status: z.number().int().nullable(), error: z.string().nullable() })
  .meta({ id: 'WebhookTest' })

export const eventsQuery = z.strictObject({
  after: z
    .string()
    .regex(/^\d{1,18}$/)
    .default('0')
    .meta({ description: 'Cursor of the last event seen; 0 begins at the oldest' }),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})
export const eventFeed = z
  .object({
    events: z.array(z.object({ cursor: z.string(), event: z.record(z.string(), z.unknown()) })),
    nextCursor: z.string().meta({ description: 'Send as `after`; unchanged when there was nothing new' }),
  })
  .meta({ id: 'EventFeed' })
export const replayAnswer = z.object({ deliveries: z.number().int() }).meta({ id: 'Replay' })

export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .meta({ description: 'One per operation; a repeat gets the same answer with Idempotency-Replayed: true' }),
})
