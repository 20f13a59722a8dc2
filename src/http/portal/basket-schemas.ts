/** Baskets as portals send and get them. */
import { z } from 'zod'
import { invoiceAnswer, issueInvoice } from './schemas.ts'

const amountOut = z.number().int().min(0).meta({ description: 'Whole VND' })
const invoiceId = z.string().regex(/^inv_[0-9a-z]{26}$/)
const returnUrl = z
  .url({ protocol: /^https?$/ })
  .max(500)
  .optional()
  .meta({ description: "Where the basket's page leads back to; at one of the client's registered origins" })

export const createBasketBody = z
  .strictObject({ invoiceIds: z.array(invoiceId).min(1).max(50), returnUrl })
  .meta({ id: 'CreateBasket', description: 'Open invoices of this client, in the order to show' })

const accountId = z.string().min(1).max(80).optional()
const demand = issueInvoice
  .omit({ beneficiaryAccountId: true })
  .extend({
    beneficiaryAccountIds: z
      .strictObject({ COLLECTING_AGENCY: accountId, STATE_BUDGET: accountId, PUBLIC_POST: accountId })
      .optional()
      .meta({ description: 'The account to pay, for creditors that have several' }),
  })
  .meta({ id: 'IssueDemand', description: 'An IssueInvoice whose items may belong to several creditors' })

export const issueBasketBody = z.strictObject({ invoices: z.array(demand).min(1).max(20), returnUrl }).meta({
  id: 'IssueBasket',
  description: 'One invoice is issued for each creditor of each entry: all of it or nothing',
})

export const basketParams = z.object({ id: z.string().regex(/^bsk_[0-9a-z]{26}$/) })

const basketStatus = z.enum(['OPEN', 'PARTLY_PAID', 'PAID', 'CLOSED']).meta({
  description: 'PAID: something was paid and nothing is left to pay. CLOSED: nothing was paid and nothing is left',
})

export const basketAnswer = z
  .object({
    id: z.string(),
    status: basketStatus,
    payUrl: z.string(),
    returnUrl: z.string().nullable(),
    total: amountOut.meta({ description: 'Paid, owed and lapsed together' }),
    paid: amountOut,
    owed: amountOut,
    lapsed: amountOut.meta({ description: 'Of expired invoices: issue them anew, they take their old place here' }),
    currency: z.literal('VND'),
    createdAt: z.string(),
    paidAt: z.string().nullable(),
    invoices: z.array(
      z.object({
        id: z.string(),
        lineNo: z.number().int(),
        part: z.enum(['OWED', 'PAID', 'NOTHING_OWED', 'LAPSED', 'REPLACED']),
        status: invoiceAnswer.shape.status,
        dossierCode: z.string(),
        procedureCode: z.string(),
        collectingAgencyCode: z.string(),
        payCode: z.string(),
        payUrl: z.string(),
        total: amountOut,
        expiresAt: z.string(),
        paidAt: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Basket' })

export const issuedBasketAnswer = z
  .object({ basket: basketAnswer, invoices: z.array(invoiceAnswer) })
  .meta({ id: 'IssuedBasket' })

export const listBasketsQuery = z.strictObject({
  status: basketStatus.optional(),
  dossierCode: z.string().min(1).max(80).optional(),
  invoiceId: invoiceId.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z
    .string()
    .regex(/^bsk_[0-9a-z]{26}$/)
    .optional(),
})

export const basketList = z
  .object({ baskets: z.array(basketAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'BasketList' })
