import { z } from 'zod'
import { bankKeyPem, privateKeyPem, signatureSchemes } from '../vietinbank/rsa.ts'

const shared = { privateKeyPem, bankKeyPem }

/** VietinBank's message set (rails.md §3.1, §3.2). Meaning of each key: README.md. */
const vietinbankProfile = z.strictObject({
  profile: z.literal('vietinbank'),
  ...shared,
  signature: z.enum(signatureSchemes).default('RSA-SHA256'),
  noticeProviderId: z.string().regex(/^[A-Za-z0-9]{1,5}$/),
  merchantId: z.string().regex(/^[A-Za-z0-9]{1,25}$/),
  receivingAccounts: z
    .array(z.string().regex(/^[A-Z0-9]{4,24}$/))
    .min(1)
    .max(50),
  vacPrefix: z
    .string()
    .regex(/^[A-Za-z0-9]{1,18}$/)
    .optional(),
  duplicateAck: z.enum(['00', '05']).default('00'),
})

/** Our own profile for any bank: contracts/bill-pull-profile.md. Always RSA-SHA256. */
const genericProfile = z.strictObject({
  profile: z.literal('generic'),
  ...shared,
  /** How far the bank's clock may be from ours, either way. */
  replayWindowSeconds: z.int().min(30).max(900).default(300),
})

export const accountSchema = z.discriminatedUnion('profile', [vietinbankProfile, genericProfile])

export type BillPullConfig = z.infer<typeof accountSchema>
export type VietinbankProfile = z.infer<typeof vietinbankProfile>
export type GenericProfile = z.infer<typeof genericProfile>
