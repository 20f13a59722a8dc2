import { z } from 'zod'

const code = z.string().regex(/^[0-9A-Za-z]{1,10}$/)

/** What we answer a sender, by name. Only `0` and `00` for success are known of the platform. */
export const senderCodes = {
  accepted: '0',
  badSignature: '01',
  unknownDebt: '02',
  amountDiffers: '03',
  malformed: '04',
  referenceReused: '05',
  alreadyPaid: '06',
  notOpen: '07',
  contradiction: '08',
  unavailable: '99',
} as const
export type SenderCode = keyof typeof senderCodes

/**
 * A portal that sends payers to us by message set 1.0.6 (domain.md §8.1): it plays the province's part of that set, and we the
 * platform's. Meaning of each key: ../README.md.
 */
export const senderSchema = z.strictObject({
  version: z
    .string()
    .regex(/^\d{1,3}(\.\d{1,3}){0,3}$/)
    .default('1.0.6'),
  partnerCode: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
  secret: z.string().min(16).max(500),
  /** What it must show us beside its hash. */
  bearerToken: z.string().min(16).max(2000).optional(),
  resultUrl: z.url({ protocol: /^https?$/ }),
  resultBearerToken: z.string().min(1).max(2000).optional(),
  /** What its references begin with, before the dossier code without punctuation. */
  referencePrefix: z
    .string()
    .regex(/^[0-9A-Za-z]{0,10}$/)
    .default('dvc'),
  resultMessageType: z
    .string()
    .regex(/^[A-Z][A-Z_]{0,29}$/)
    .default('RESULT'),
  queryStatusIsSigned: z.boolean().default(true),
  /** `own`: its answer to a result is hashed over its own fields, and believed only so. */
  resultAnswerHash: z.enum(['own', 'none']).default('own'),
  /** MaNganHang of our results. */
  bankCode: z
    .string()
    .regex(/^[0-9A-Za-z]{0,20}$/)
    .default(''),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),
  codes: z.partialRecord(z.enum(Object.keys(senderCodes) as [SenderCode, ...SenderCode[]]), code).default({}),
})

export type SenderConfig = z.infer<typeof senderSchema>

export const senderSecretFields = ['secret', 'bearerToken', 'resultBearerToken'] as const

export function codeOf(name: SenderCode, config: SenderConfig): string {
  return config.codes[name] ?? senderCodes[name]
}
