/** What officers (and portals, about their own dossiers) send and get about refunds. Checked once, here. */
import { z } from 'zod'
import { payoutChannels, refundChannels, refundOrigins, refundStatuses } from '../../domain/refund.ts'
import { refundReasons } from '../../domain/refund-rules.ts'
import type { RefundProposal } from '../../refund/propose.ts'
import { amount, amountOut, code, instant, instantOut, money, plainText } from '../portal/schemas.ts'

export const refundId = z.string().regex(/^ref_[0-9a-z]{26}$/)
export const settlementId = z.string().regex(/^stl_[0-9a-z]{26}$/)
export const payoutOrderId = z.string().regex(/^pob_[0-9a-z]{26}$/)
const invoiceId = z.string().regex(/^inv_[0-9a-z]{26}$/)

const payee = z
  .strictObject({
    accountNumber: z.string().regex(/^[0-9A-Za-z]{4,30}$/),
    accountName: plainText(255),
    bankBin: z
      .string()
      .regex(/^\d{6}$/)
      .meta({ description: "The bank's six-digit BIN", examples: ['970415'] }),
  })
  .meta({ description: "The payer's account, for a payout" })

const items = z
  .array(z.strictObject({ lineNo: z.number().int().min(1).max(1000), amount: amount.optional() }))
  .min(1)
  .max(50)
  .meta({ description: 'Lines of the invoice, each with its part; without a part all that is left of it' })

const legalBasis = plainText(300).meta({
  description: 'The decision or text that the refund stands on',
  examples: ['Thông báo 12/TB-SXD ngày 20/11/2026: không đủ điều kiện'],
})

const proposal = {
  reason: z.enum(refundReasons),
  legalBasis,
  note: plainText(500).optional(),
  otherPayment: plainText(120).optional().meta({
    description: 'PAID_TWICE, DEBT_SETTLED: the other payment or receipt',
  }),
  items: items.optional(),
  amount: amount.optional().meta({ description: 'NOT_OWED: a part; without it all that is left' }),
  channel: z
    .enum(refundChannels)
    .optional()
    .meta({ description: "Without it: the rail on the day of payment, later the account's own way out" }),
  payee: payee.optional(),
}

export const requestRefundBody = z
  .strictObject({ invoiceId: invoiceId.optional(), settlementId: settlementId.optional(), ...proposal })
  .refine(({ invoiceId, settlementId }) => (invoiceId === undefined) !== (settlementId === undefined), {
    message: 'name either invoiceId or settlementId | nêu invoiceId hoặc settlementId',
    path: ['invoiceId'],
  })
  .meta({ id: 'RequestRefund' })

export const prepareRefundBody = z.strictObject(proposal).meta({ id: 'PrepareRefund' })
export const rejectRefundBody = z.strictObject({ why: plainText(300) }).meta({ id: 'RejectRefund' })

const result = z.enum(['DONE', 'FAILED'])
export const reportRefundBody = z
  .strictObject({
    result,
    reference: plainText(100).meta({ description: "The bank's number of the payout, or of its refusal" }),
    at: instant.optional().meta({ description: 'When the bank moved the money' }),
    note: plainText(500).optional(),
  })
  .meta({ id: 'ReportRefund' })

/** What changed since the officer looked is neither approved nor confirmed. */
const version = z
  .number()
  .int()
  .min(1)
  .max(100_000)
  .meta({ description: 'version of the refund as the officer saw it' })
export const approveRefundBody = z.strictObject({ version }).meta({ id: 'ApproveRefund' })
export const confirmReportBody = z.strictObject({ version }).meta({ id: 'ConfirmRefundReport' })

export const requestFromPortalBody = z
  .strictObject({
    reason: z.enum(['NOT_GRANTED', 'WITHDRAWN']),
    legalBasis,
    note: plainText(500).optional(),
    items: items.optional(),
    payee: payee.optional(),
  })
  .meta({ id: 'RequestRefundOfInvoice' })

export const listRefundsQuery = z.strictObject({
  status: z.enum(refundStatuses).optional(),
  open: z.enum(['true', 'false']).optional().meta({ description: 'true: neither done nor rejected' }),
  origin: z.enum(refundOrigins).optional(),
  channel: z.enum(refundChannels).optional(),
  needsHuman: z.enum(['true', 'false']).optional(),
  invoiceId: invoiceId.optional(),
  settlementId: settlementId.optional(),
  dossierCode: code(80).optional(),
  payoutOrderId: payoutOrderId.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: refundId.optional(),
})

const itemAnswer = z.object({ lineNo: z.number().int(), amount: amountOut })

/** What a portal sees of a refund of its invoice. */
export const invoiceRefundAnswer = z
  .object({
    id: z.string(),
    invoiceId: z.string().nullable(),
    origin: z
      .enum(refundOrigins)
      .meta({ description: 'REQUEST: asked for. Any other: found by the gateway, about money that paid nothing' }),
    status: z.enum(refundStatuses),
    reason: z.string(),
    legalBasis: z.string().nullable(),
    channel: z.enum(refundChannels).nullable(),
    items: z.array(itemAnswer),
    createdAt: instantOut,
    updatedAt: instantOut,
    doneAt: instantOut.nullable(),
    ...money,
  })
  .meta({ id: 'InvoiceRefund' })
export const invoiceRefundList = z
  .object({ refunds: z.array(invoiceRefundAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'InvoiceRefundList' })

const summary = invoiceRefundAnswer.extend({
  version: z.number().int().meta({ description: 'Steps taken so far; approve and confirm name it' }),
  settlementId: z.string(),
  dossierCode: z.string().nullable(),
  requestedBy: z.string(),
  approvedBy: z.string().nullable(),
  rejectedBy: z.string().nullable(),
  needsHuman: z.boolean(),
  payoutOrderId: z.string().nullable(),
  railReference: z.string().nullable(),
  railRefundId: z.string().nullable(),
  railDetail: z.string().nullable(),
})
export const refundSummary = summary.meta({ id: 'RefundSummary' })
export const refundList = z
  .object({ refunds: z.array(refundSummary), nextCursor: z.string().nullable() })
  .meta({ id: 'RefundList' })

export const refundAnswer = summary
  .extend({
    note: z.string().nullable(),
    otherPayment: z.string().nullable(),
    payee: z.object({ accountNumber: z.string(), accountName: z.string(), bankBin: z.string() }).nullable(),
    report: z
      .object({
        result,
        reference: z.string(),
        at: instantOut.nullable(),
        note: z.string().nullable(),
        reportedBy: z.string(),
        confirmedBy: z.string().nullable(),
      })
      .nullable(),
    payment: z.object({
      disposition: z.string(),
      amount: amountOut,
      paidAt: instantOut,
      rail: z.string(),
      railAccountId: z.string(),
      railTransactionId: z.string(),
      beneficiaryAccountId: z.string(),
    }),
    history: z.array(
      z.object({
        seq: z.number().int(),
        at: instantOut,
        event: z.string(),
        from: z.string().nullable(),
        to: z.string(),
        actor: z.string(),
        facts: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
      }),
    ),
  })
  .meta({ id: 'Refund' })

export const makePayoutOrderBody = z
  .strictObject({ channel: z.enum(payoutChannels), beneficiaryAccountId: code(80) })
  .meta({ id: 'MakePayoutOrder' })
export const listPayoutOrdersQuery = z.strictObject({
  channel: z.enum(payoutChannels).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: payoutOrderId.optional(),
})
const account = z.object({ accountNumber: z.string(), accountName: z.string(), bankBin: z.string() })
const payoutSummary = z.object({
  id: z.string(),
  channel: z.enum(payoutChannels),
  beneficiaryAccountId: z.string(),
  from: account,
  count: z.number().int(),
  total: amountOut,
  currency: z.literal('VND'),
  createdBy: z.string(),
  createdAt: instantOut,
})
export const payoutOrderList = z
  .object({ orders: z.array(payoutSummary.meta({ id: 'PayoutOrderSummary' })), nextCursor: z.string().nullable() })
  .meta({ id: 'PayoutOrderList' })
export const payoutOrderAnswer = payoutSummary
  .extend({
    lines: z.array(
      z.object({
        refundId: z.string(),
        reference: z.string(),
        status: z.enum(refundStatuses),
        payee: account.nullable(),
        content: z.string().meta({ description: 'For the bank: Latin letters and digits, our reference first' }),
        dossierCode: z.string().nullable(),
        reason: z.string(),
        legalBasis: z.string(),
        requestedBy: z.string(),
        approvedBy: z.string(),
        railTransactionId: z.string(),
        paidAt: instantOut,
        ...money,
      }),
    ),
  })
  .meta({ id: 'PayoutOrder' })

export type ProposalBody = Pick<
  z.infer<typeof requestRefundBody>,
  'reason' | 'legalBasis' | 'note' | 'otherPayment' | 'items' | 'amount' | 'channel' | 'payee'
>

/** JSON integers become bigints. */
export function proposalOf(body: ProposalBody): RefundProposal {
  const { items: lines, amount: part, reason, legalBasis: basis, note, otherPayment, channel, payee: account } = body
  return {
    reason,
    legalBasis: basis,
    note,
    otherPayment,
    channel,
    payee: account,
    items: lines?.map(({ lineNo, amount: of }) => ({ lineNo, amount: of === undefined ? undefined : BigInt(of) })),
    amount: part === undefined ? undefined : BigInt(part),
  }
}
