import { z } from 'zod'
import { bankKeyPem, privateKeyPem, signatureSchemes } from './rsa.ts'

const partyId = z.string().regex(/^[A-Za-z0-9_-]{1,25}$/)
const statusCodes = z.array(z.string().regex(/^[0-9A-Za-z]{1,10}$/)).max(50)

const fieldName = z.string().regex(/^[A-Za-z.]{1,30}$/)

/** One account at the bank. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  signature: z.enum(signatureSchemes).default('RSA-SHA256'),
  privateKeyPem,
  bankKeyPem,
  /** In notifications (5 characters at most, rails.md §3.1); may differ from the one of outgoing calls. */
  noticeProviderId: z.string().regex(/^[A-Za-z0-9]{1,5}$/),
  receivingAccounts: z
    .array(z.string().regex(/^[A-Z0-9]{4,24}$/))
    .min(1)
    .max(50),
  vacPrefix: z
    .string()
    .regex(/^[A-Za-z0-9]{1,18}$/)
    .optional(),
  duplicateAck: z.enum(['00', '05']).default('00'),

  baseUrl: z.url({ protocol: /^https?$/ }).regex(/[^/]$/, 'must not end with a slash'),
  clientId: z.string().min(1).max(200),
  clientSecret: z.string().min(1).max(200),
  providerId: partyId,
  merchantId: partyId,
  channel: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,15}$/)
    .default('WEB'),
  version: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,10}$/)
    .default('1.0'),
  payMethod: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,30}$/)
    .default(''),
  goodsType: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,30}$/)
    .default(''),
  verifyBy: z.string().regex(/^[A-Za-z0-9_-]{1,12}$/),
  queryType: z.string().regex(/^[A-Za-z0-9_-]{1,6}$/),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),

  codeSentCodes: statusCodes.min(1).default(['00']),
  paidCodes: statusCodes.min(1).default(['00']),
  wrongOtpCodes: statusCodes.default(['13']),
  declinedCodes: statusCodes.default([]),
  inquiryNotFoundCodes: statusCodes.default([]),

  /** The bank's statement call (rails.md §3.4); left out: its statements come as files. */
  statement: z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }),
      model: z.string().min(1).max(20).default('1'),
      version: z
        .string()
        .regex(/^[A-Za-z0-9._-]{1,10}$/)
        .default('1'),
      /** Of this service, where they are others than those of the payment calls. */
      providerId: partyId.optional(),
      merchantId: partyId.optional(),
      signedRequestFields: z.array(fieldName).min(1).max(20),
      /** `status.code` names the inner field; none: the bank does not sign its answer. */
      signedAnswerFields: z.array(fieldName).max(20).default([]),
    })
    .optional(),

  /** Of the reconciliation file and our answer to it (rails.md §3.5). */
  settlementFileSecret: z.string().min(1).max(256).optional(),
  settlementFileUserId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,50}$/)
    .optional(),
  /** What the file's statuses mean; one that is in no list stops the file. */
  settlementFileStatuses: z
    .strictObject({
      SUCCEEDED: statusCodes.default(['00']),
      REVERSED: statusCodes.default([]),
      FAILED: statusCodes.default([]),
      PENDING: statusCodes.default([]),
    })
    .default({ SUCCEEDED: ['00'], REVERSED: [], FAILED: [], PENDING: [] }),
})

export type VietinbankConfig = z.infer<typeof accountSchema>

export const secretFields = ['privateKeyPem', 'clientSecret', 'settlementFileSecret'] as const
