/** What the counter's software sends and gets; checked once, here, and published as OpenAPI. */
import { z } from 'zod'
import { amountOut, instantOut, invoiceAnswer, plainText, qrAnswer } from '../portal/schemas.ts'

const id = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_[0-9a-z]{26}$`))
const cash = z.number().int().min(0).max(999_999_999_999_999).meta({ description: 'Whole VND' })
const signedCash = z.number().int().meta({ description: 'Whole VND; below zero when cash is missing' })
const invoiceId = id('inv')

export const shiftParams = z.object({ id: id('shf') })
export const invoiceParams = z.object({ id: invoiceId })
export const collectionParams = z.object({ id: id('col') })
export const correctionParams = z.object({ id: id('cor') })

const list = { limit: z.coerce.number().int().min(1).max(200).default(50) }

export const openShiftBody = z
  .strictObject({
    openingCash: cash.default(0).meta({ description: 'Change money in the drawer, whole VND' }),
    unitCode: z
      .string()
      .min(1)
      .max(40)
      .optional()
      .meta({ description: "Code of the clerk's unit; needed only when the officer's token names none" }),
  })
  .meta({ id: 'OpenShift' })

export const closeShiftBody = z
  .strictObject({
    countedCash: cash.meta({ description: 'All cash counted in the drawer, change money included' }),
    note: plainText(500).optional().meta({ description: 'Needed when the count differs from the books' }),
  })
  .meta({ id: 'CloseShift' })

export const shiftsQuery = z.strictObject({
  ...list,
  status: z.enum(['OPEN', 'CLOSED']).optional(),
  operator: z.string().max(200).optional(),
  cursor: id('shf').optional(),
})

export const shiftAnswer = z
  .object({
    id: z.string(),
    operator: z.string(),
    operatorName: z.string(),
    unitCode: z.string(),
    status: z.enum(['OPEN', 'CLOSED']),
    openedAt: instantOut,
    openingCash: amountOut,
    collectedCount: z.number().int(),
    collected: amountOut,
    takenBackCount: z.number().int(),
    takenBack: amountOut,
    expectedCash: signedCash.meta({ description: 'openingCash + collected - takenBack' }),
    byAccount: z
      .array(
        z.object({
          collectingAgencyCode: z.string(),
          beneficiaryAccountId: z.string(),
          count: z.number().int(),
          amount: amountOut,
        }),
      )
      .meta({ description: 'What is to be handed over for whom; corrected collections left out' }),
    handovers: z
      .array(
        z.object({
          code: z.string(),
          railAccountId: z.string(),
          bankBin: z.string(),
          accountNumber: z.string(),
          accountName: z.string(),
          amount: amountOut,
        }),
      )
      .meta({
        description: 'Of a closed shift: what to pay into which account. The text of each deposit names its code',
      }),
    closedAt: instantOut.nullable(),
    countedCash: amountOut.nullable(),
    difference: signedCash.nullable().meta({ description: 'countedCash - expectedCash' }),
    note: z.string().nullable(),
    currency: z.literal('VND'),
  })
  .meta({ id: 'CounterShift' })
export const shiftList = z
  .object({ shifts: z.array(shiftAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'CounterShiftList' })

export const billsQuery = z
  .strictObject({ payCode: z.string().min(1).max(40).optional(), dossierCode: z.string().min(1).max(80).optional() })
  .refine(({ payCode, dossierCode }) => (payCode === undefined) !== (dossierCode === undefined), {
    error: 'give payCode or dossierCode, one of them | Gửi payCode hoặc dossierCode, một trong hai',
  })

export const billAnswer = z
  .object({
    id: z.string(),
    status: invoiceAnswer.shape.status,
    dossierCode: z.string(),
    procedureCode: z.string(),
    procedureName: z.string().nullable(),
    collectingAgencyCode: z.string(),
    collectingAgencyName: z.string(),
    payerName: z.string().nullable(),
    payCode: z.string(),
    payUrl: z
      .string()
      .meta({ description: 'Page with the QR, for a screen that faces the payer; it updates by itself' }),
    items: z.array(z.object({ nameVi: z.string(), kind: z.string(), quantity: z.number().int(), net: amountOut })),
    total: amountOut,
    currency: z.literal('VND'),
    expiresAt: instantOut,
    paidAt: instantOut.nullable(),
    attemptUnderWay: z.boolean().meta({ description: 'The payer may be paying at a bank this moment' }),
    cash: z.object({
      allowed: z.boolean(),
      obstacle: z
        .enum(['NOT_OPEN', 'EXPIRED', 'NOT_OFFERED', 'ABOVE_MAXIMUM', 'BEING_PAID'])
        .nullable()
        .meta({ description: 'BEING_PAID can be passed with despiteOpenAttempt' }),
      maximum: amountOut.nullable(),
    }),
    vietQr: qrAnswer.nullable(),
  })
  .meta({ id: 'CounterBill' })
export const billList = z.object({ invoices: z.array(billAnswer) }).meta({ id: 'CounterBillList' })

export const qrPicture = z
  .object({ payCode: z.string(), vietQr: qrAnswer, svg: z.string().meta({ description: 'The QR as a picture' }) })
  .meta({ id: 'CounterQr' })

export const collectBody = z
  .strictObject({
    invoiceId,
    cashGiven: cash.optional().meta({ description: 'What the payer handed over; exactly the total by default' }),
    despiteOpenAttempt: z
      .boolean()
      .default(false)
      .meta({ description: 'The clerk has asked the payer, who is not paying at a bank' }),
  })
  .meta({ id: 'CollectCash' })

export const collectionsQuery = z.strictObject({
  ...list,
  shiftId: id('shf').optional(),
  invoiceId: invoiceId.optional(),
  cursor: id('col').optional(),
})

export const collectionAnswer = z
  .object({
    id: z.string(),
    status: z.enum(['COLLECTED', 'CORRECTION_REQUESTED', 'CORRECTED']),
    shiftId: z.string(),
    slipNo: z.number().int(),
    slipUrl: z.string().meta({ description: 'Page to print' }),
    unitCode: z.string(),
    collectingAgencyCode: z.string(),
    invoiceId: z.string(),
    payCode: z.string(),
    dossierCode: z.string(),
    settlementId: z.string(),
    amount: amountOut,
    cashGiven: amountOut,
    changeGiven: amountOut,
    currency: z.literal('VND'),
    collectedBy: z.string(),
    collectedAt: instantOut,
    correctedAt: instantOut.nullable(),
  })
  .meta({ id: 'CounterCollection' })
export const collectionList = z
  .object({ collections: z.array(collectionAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'CounterCollectionList' })

export const slipAnswer = z
  .object({
    collectionId: z.string(),
    status: collectionAnswer.shape.status,
    slipNo: z.number().int(),
    slipUrl: z.string(),
    payUrl: z.string(),
    unitCode: z.string(),
    unitName: z.string(),
    operatorName: z.string(),
    collectingAgencyCode: z.string(),
    collectingAgencyName: z.string(),
    dossierCode: z.string(),
    procedureName: z.string(),
    payerName: z.string().nullable(),
    payCode: z.string(),
    items: z.array(z.object({ nameVi: z.string(), quantity: z.number().int(), net: amountOut })),
    amount: amountOut,
    amountInWordsVi: z.string(),
    cashGiven: amountOut,
    changeGiven: amountOut,
    currency: z.literal('VND'),
    collectedAt: instantOut,
    correctedAt: instantOut.nullable(),
  })
  .meta({ id: 'CounterSlip' })

export const correctionBody = z.strictObject({ reason: plainText(300) }).meta({ id: 'RequestCorrection' })
export const correctionsQuery = z.strictObject({
  ...list,
  status: z.enum(['REQUESTED', 'APPROVED', 'REJECTED']).optional(),
  shiftId: id('shf').optional(),
  cursor: id('cor').optional(),
})
export const correctionAnswer = z
  .object({
    id: z.string(),
    collectionId: z.string(),
    shiftId: z.string(),
    amount: amountOut,
    currency: z.literal('VND'),
    reason: z.string(),
    status: z.enum(['REQUESTED', 'APPROVED', 'REJECTED']),
    requestedBy: z.string(),
    requestedAt: instantOut,
    decidedBy: z.string().nullable(),
    decidedAt: instantOut.nullable(),
    settlementId: z.string().nullable().meta({ description: 'The reversal on record' }),
  })
  .meta({ id: 'CounterCorrection' })
export const correctionList = z
  .object({ corrections: z.array(correctionAnswer), nextCursor: z.string().nullable() })
  .meta({ id: 'CounterCorrectionList' })
