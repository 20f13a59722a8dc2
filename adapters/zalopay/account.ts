import { z } from 'zod'

const address = z
  .url({ protocol: /^https?$/ })
  .regex(/^[^?#]+[^?#/]$/, 'must have no query, fragment or slash at its end')

/** One app at ZaloPay. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  appId: z.int().min(1).max(2_147_483_647),
  // Part of a signed text whose values stand between bars.
  key1: z
    .string()
    .regex(/^[^|]+$/, 'must have no bar')
    .min(16)
    .max(256),
  key2: z.string().min(16).max(256),
  baseUrl: address.default('https://sb-openapi.zalopay.vn'),
  bankCode: z
    .string()
    .regex(/^[A-Za-z0-9]{1,20}$/)
    .optional(),
  duplicateReturnCode: z.union([z.literal(1), z.literal(2)]).default(1),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),
})

export type ZalopayConfig = z.infer<typeof accountSchema>

export const secretFields = ['key1', 'key2'] as const
