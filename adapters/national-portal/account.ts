import { z } from 'zod'
import { signable } from './signature.ts'

const code = z.string().regex(/^[0-9A-Za-z]{1,10}$/)

/** One partner code at the platform. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  initUrl: z.url({ protocol: /^https?$/ }),
  queryUrl: z.url({ protocol: /^https?$/ }),
  getBillUrl: z.url({ protocol: /^https?$/ }),
  bearerToken: z.string().min(1).max(2000).optional(),
  version: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,3}){0,3}$/)
    .default('1.0.6'),
  partnerCode: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
  secret: z.string().min(1).max(500),
  /** Hosts the pay page may be on: INIT's answer is not signed, so its address is believed only here. */
  payPageHosts: z
    .array(z.string().regex(/^[0-9a-z.-]+(:\d+)?$/))
    .min(1)
    .max(20),
  /** Only for a platform on this machine, in tests and demos. */
  allowHttpPayPage: z.boolean().default(false),
  /** LoaiBanTin of a result; not published, so only compared when it is set. */
  resultMessageType: z
    .string()
    .regex(/^[A-Z][A-Z_]{0,29}$/)
    .optional(),
  /** Whether TrangThaiGD is the last hashed value of a QUERY answer. */
  queryStatusIsSigned: z.boolean().default(true),
  /** The account as the platform has it on record. Every invoice must pay exactly into it, or nothing is sent (lesson 5). */
  beneficiary: z
    .strictObject({
      account: z.string().regex(/^[0-9A-Z.]{4,30}$/),
      name: signable.min(1).max(250),
      bankCode: z.string().regex(/^[0-9A-Za-z]{1,20}$/),
    })
    .optional(),
  /** The platform's bank codes by BIN, where they differ from it. */
  bankCodes: z.record(z.string().regex(/^\d{6}$/), z.string().regex(/^[0-9A-Za-z]{1,20}$/)).default({}),
  /** Stand in for what an order does not tell. */
  agency: z.strictObject({ code: z.string().regex(/^[0-9A-Z.]{1,30}$/), name: signable.min(1).max(250) }).optional(),
  procedure: z
    .strictObject({ code: z.string().regex(/^[0-9A-Z.]{1,40}$/), name: signable.min(1).max(1000) })
    .optional(),
  onlineService: z
    .strictObject({ code: z.string().regex(/^[0-9A-Z.]{1,40}$/), name: signable.min(1).max(1000) })
    .optional(),
  /** LoaiPhiLePhi of each kind; the platform's list is not published. */
  feeTypes: z
    .strictObject({ PHI: signable.max(20).default(''), LE_PHI: signable.max(20).default('') })
    .default({ PHI: '', LE_PHI: '' }),
  serviceCode: z
    .string()
    .regex(/^[0-9A-Z]{1,5}$/)
    .default('2'),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),
  /** MaLoi of our answers to a result. Only `00` is known. */
  answerCodes: z
    .strictObject({
      ok: code,
      badSignature: code,
      unknownReference: code,
      badAmount: code,
      malformed: code,
      unavailable: code,
    })
    .default({
      ok: '00',
      badSignature: '01',
      unknownReference: '02',
      badAmount: '03',
      malformed: '04',
      unavailable: '99',
    }),
})

export type NationalPortalConfig = z.infer<typeof accountSchema>

export const secretFields = ['secret', 'bearerToken'] as const
