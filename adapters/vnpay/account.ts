import { z } from 'zod'
import { settlementFileKeys } from '../shared/settlement-file-mapping.ts'

const address = z.url({ protocol: /^https?$/ }).regex(/^[^?#]+$/, 'must have no query or fragment')

/** `VNPAYQR`, `VNBANK`, `INTCARD`, or one bank's code (rails.md §1.1). */
export const bankCodeField = z.string().regex(/^[A-Za-z0-9]{3,20}$/)

/** One terminal at VNPAY. Meaning of each key: README.md. */
export const accountSchema = z.strictObject({
  tmnCode: z.string().regex(/^[A-Za-z0-9]{8}$/),
  hashSecret: z.string().min(16).max(256),
  payUrl: address.default('https://sandbox.vnpayment.vn/paymentv2/vpcpay.html'),
  apiUrl: address.default('https://sandbox.vnpayment.vn/merchant_webapi/api/transaction'),
  bankListUrl: address.default('https://sandbox.vnpayment.vn/qrpayauth/api/merchant/get_bank_list'),
  startBy: z.enum(['page', 'qr']).default('page'),
  bankCode: bankCodeField.optional(),
  orderType: z
    .string()
    .regex(/^[A-Za-z0-9]{1,100}$/)
    .default('other'),
  timeoutMs: z.int().min(1_000).max(120_000).default(30_000),
  ...settlementFileKeys,
})

export type VnpayConfig = z.infer<typeof accountSchema>

export const secretFields = ['hashSecret', 'settlementFileSecret'] as const
