import { z } from 'zod'

const sepay = z.discriminatedUnion('mode', [
  z.strictObject({
    name: z.literal('sepay'),
    mode: z.literal('hmac'),
    secret: z.string().min(16).max(256),
    toleranceSeconds: z.int().min(30).max(900).default(300),
  }),
  z.strictObject({ name: z.literal('sepay'), mode: z.literal('apikey'), apiKey: z.string().min(16).max(256) }),
])

/** One collection account that payers transfer to, and who tells us of its credits. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  bankBin: z.string().regex(/^\d{6}$/),
  accountNumber: z.string().regex(/^[A-Z0-9]{4,19}$/),
  accountName: z.string().min(1).max(100),
  merchantName: z.string().max(25).optional(),
  merchantCity: z.string().max(15).optional(),
  /** Exactly one source is believed; another's message is refused. */
  source: sepay,
})

export type VietQrConfig = z.infer<typeof accountSchema>
export type SepaySource = z.infer<typeof sepay>
export const secretFields = ['source'] as const
