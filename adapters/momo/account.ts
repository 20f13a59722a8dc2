import { z } from 'zod'
import { pendingCodes } from './codes.ts'

const address = z
  .url({ protocol: /^https?$/ })
  .regex(/^[^?#]+[^?#/]$/, 'must have no query, fragment or slash at its end')

const finalCodes = z
  .array(z.int().min(1))
  .max(100)
  .refine((codes) => !codes.some((code) => pendingCodes.includes(code)), 'must not hold a pending code')

/** One partner account at MoMo. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  partnerCode: z.string().regex(/^[0-9A-Za-z_-]{1,50}$/),
  accessKey: z.string().regex(/^[0-9A-Za-z]{8,100}$/),
  secretKey: z.string().min(16).max(256),
  baseUrl: address.default('https://test-payment.momo.vn'),
  failedCodes: finalCodes.default([1001, 1002, 1003, 1004, 1005, 1006, 1007, 1017, 1026, 4001, 4002, 4100]),
  refusedCodes: finalCodes.default([20, 21, 22]),
  refundRefusedCodes: finalCodes.default([42, 1088]),
  // MoMo asks for at least 30 seconds (rails.md §5.1).
  timeoutMs: z.int().min(30_000).max(120_000).default(30_000),
})

export type MomoConfig = z.infer<typeof accountSchema>

export const secretFields = ['accessKey', 'secretKey'] as const
