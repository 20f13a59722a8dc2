import { z } from 'zod'

const address = z.url({ protocol: /^https?$/ }).regex(/^[^?#]+$/, 'must have no query or fragment')
// `&` and `=` would make the signed text ambiguous (rails.md §4.2).
const plain = z.string().regex(/^[\x21-\x25\x27-\x3c\x3e-\x7e]{1,64}$/)
const method = z.enum(['GET', 'POST'])

/** One merchant at OnePay. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  profile: z.enum(['domestic', 'international', 'unified']),
  merchant: z.string().regex(/^[A-Za-z0-9_]{1,16}$/),
  accessCode: z.string().regex(/^[A-Za-z0-9]{1,8}$/),
  hashKey: z.string().regex(/^(?:[0-9A-Fa-f]{2}){16,64}$/, 'must be 16 to 64 bytes in hexadecimal'),
  payUrl: address.optional(),
  sendCurrency: z.boolean().optional(),
  title: z.string().min(1).max(100).default('Thanh toan'),
  queryUrl: address.optional(),
  queryMethod: method.default('GET'),
  queryUser: plain.optional(),
  queryPassword: plain.optional(),
  refundUrl: address.optional(),
  refundMethod: method.default('POST'),
  pendingCodes: z.array(z.string().regex(/^[0-9A-Z]{1,4}$/)).default(['100', '300']),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),
})

export type OnepayConfig = z.infer<typeof accountSchema>

export const secretFields = ['hashKey', 'queryPassword'] as const

type Profile = {
  readonly payUrl: string
  readonly queryUrl: string
  /** Whether a pay request names its currency. */
  readonly sendCurrency: boolean
}

/** OnePay's test addresses (rails.md §4.2). */
const profiles: Record<OnepayConfig['profile'], Profile> = {
  domestic: {
    payUrl: 'https://mtf.onepay.vn/onecomm-pay/vpc.op',
    queryUrl: 'https://mtf.onepay.vn/onecomm-pay/Vpcdps.op',
    sendCurrency: true,
  },
  international: {
    payUrl: 'https://mtf.onepay.vn/vpcpay/vpcpay.op',
    queryUrl: 'https://mtf.onepay.vn/vpcpay/Vpcdps.op',
    sendCurrency: false,
  },
  unified: {
    payUrl: 'https://mtf.onepay.vn/paygate/vpcpay.op',
    queryUrl: 'https://mtf.onepay.vn/msp/api/v1/vpc/invoices/queries',
    sendCurrency: true,
  },
}

/** What the profile gives, unless the account says otherwise. */
export function profileOf(config: OnepayConfig): Profile {
  const usual = profiles[config.profile]
  return {
    payUrl: config.payUrl ?? usual.payUrl,
    queryUrl: config.queryUrl ?? usual.queryUrl,
    sendCurrency: config.sendCurrency ?? usual.sendCurrency,
  }
}
