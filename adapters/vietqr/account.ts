import { z } from 'zod'
import { payosSource } from './sources/payos.ts'
import { sepaySource } from './sources/sepay.ts'
import { vietqrvnSource } from './sources/vietqrvn.ts'
import { vietqrvnHmacSource } from './sources/vietqrvn-hmac.ts'

const plainText = z.string().regex(/^[\x20-\x7e]*$/, 'must be plain ASCII')

/** One collection account that payers transfer to, and who tells us of its credits. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  bankBin: z.string().regex(/^\d{6}$/),
  accountNumber: z.string().regex(/^[A-Z0-9]{4,19}$/),
  accountName: z.string().min(1).max(100),
  // Plain ASCII, as the code needs it (rails.md §2.1): a name with marks is refused here and not when a payer waits.
  merchantName: plainText.max(25).optional(),
  merchantCity: plainText.max(15).optional(),
  /** Exactly one source is believed; another's message is refused. */
  source: z.discriminatedUnion('name', [sepaySource, payosSource, vietqrvnSource, vietqrvnHmacSource]),
})

export type VietQrConfig = z.infer<typeof accountSchema>
export const secretFields = ['source'] as const
