import { z } from 'zod'
import { settlementFileKeys } from '../shared/settlement-file-mapping.ts'

const address = z.url({ protocol: /^https?$/ }).regex(/^[^?#]+[^?#/]$/, 'must have no query, fragment or last slash')
const name = z.string().regex(/^[\x21-\x7e]{1,100}$/)
const operation = z.string().regex(/^[A-Z][A-Z0-9_]{1,39}$/)
const pathTemplate = z.string().regex(/^(?:\/(?:[A-Za-z0-9._-]+|\{(?:merchant|order|transaction)\}))+$/)

/** One merchant at NAPAS. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  clientId: name,
  clientSecret: z.string().min(16).max(256),
  username: name,
  password: z.string().min(1).max(256),
  merchantId: name.optional(),
  channel: z.string().regex(/^[A-Za-z0-9]{1,20}$/),
  cardScheme: z.enum(['AtmCard', 'CreditCard']),
  apiUrl: address.default('https://dps-staging.napas.com.vn/api'),
  apiVersion: z
    .string()
    .regex(/^\d{1,3}$/)
    .default('1'),
  formUrl: address.optional(),
  environment: z.enum(['WebApp', 'MobileApp']).default('WebApp'),
  deviceId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/)
    .default('web'),
  enable3DSecure: z.boolean().default(false),
  payOperation: operation.default('PAY'),
  refundOperation: operation.optional(),
  approvedCodes: z.array(operation).min(1).default(['APPROVED']),
  pendingCodes: z.array(operation).default(['PENDING', 'SUBMITTED', 'TIMED_OUT', 'UNKNOWN']),
  answers: z.enum(['signed', 'plain']).default('signed'),
  paymentTransactionId: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,40}$/)
    .default('1'),
  retrievePath: pathTemplate.default('/rest/version/1/merchant/{merchant}/order/{order}/transaction/{transaction}'),
  transactionPath: pathTemplate.default('/rest/version/1/merchant/{merchant}/order/{order}/transaction/{transaction}'),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),
  ...settlementFileKeys,
})

export type NapasConfig = z.infer<typeof accountSchema>

export const secretFields = ['clientSecret', 'password', 'settlementFileSecret'] as const

export function merchantOf(config: NapasConfig): string {
  return config.merchantId ?? config.clientId
}

/** The script that draws the card form, or the page that holds it. */
export function formUrlOf(config: NapasConfig): string {
  return config.formUrl ?? `${config.apiUrl}/restjs/resources/js/napas.hostedform.min.js`
}

export function refundOperationOf(config: NapasConfig): string {
  return config.refundOperation ?? (config.cardScheme === 'AtmCard' ? 'REFUND_DOMESTIC' : 'REFUND')
}
