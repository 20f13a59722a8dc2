/** Reading the bank's answers to our calls: signed over request id, provider, merchant and status code (rails.md §3.3). */
import { z } from 'zod'
import type { HttpAnswer } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'
import type { VietinbankConfig } from './account.ts'
import { verifyText } from './rsa.ts'

const answerSchema = z.looseObject({
  requestId: z.string().max(30),
  providerId: z.string().max(30),
  merchantId: z.string().max(30),
  status: z.looseObject({ code: z.string().regex(/^[0-9A-Za-z]{1,10}$/), message: z.string().max(1000).nullish() }),
  signature: z.string().max(4000),
  bankTransactionId: z
    .string()
    .regex(/^[0-9A-Za-z._-]{0,50}$/)
    .nullish(),
})

export type BankAnswer =
  | {
      readonly kind: 'signed'
      readonly code: string
      readonly message: string
      /** Not covered by the signature: evidence, never a key. */
      readonly bankTransactionId: string
    }
  /** Says nothing: unreadable, a server fault, wrongly signed, or an answer to another request. */
  | { readonly kind: 'worthless'; readonly detail: string }

/** Only a signed answer to exactly this request counts; an answer to another one could be an old one sent again. */
export function readAnswer(answer: HttpAnswer, requestId: string, config: VietinbankConfig): BankAnswer {
  if (answer.status < 200 || answer.status > 299) return { kind: 'worthless', detail: `HTTP ${answer.status}` }
  const body = readJsonObject(answer.body)
  if (!body.ok) return { kind: 'worthless', detail: `unreadable answer: ${body.detail}` }
  const parsed = answerSchema.safeParse(body.value)
  if (!parsed.success) return { kind: 'worthless', detail: `unexpected answer: ${z.prettifyError(parsed.error)}` }
  const fields = parsed.data
  const text = fields.requestId + fields.providerId + fields.merchantId + fields.status.code
  if (!verifyText(text, fields.signature, config.bankKeyPem, config.signature)) {
    return { kind: 'worthless', detail: 'answer is not signed by the bank' }
  }
  if (fields.requestId !== requestId) return { kind: 'worthless', detail: 'answer to another request' }
  if (fields.providerId !== config.providerId || fields.merchantId !== config.merchantId) {
    return { kind: 'worthless', detail: 'answer for another partner' }
  }
  return {
    kind: 'signed',
    code: fields.status.code,
    message: fields.status.message ?? '',
    bankTransactionId: fields.bankTransactionId ?? '',
  }
}
