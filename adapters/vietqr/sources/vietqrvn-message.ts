/** The `transaction-sync` message of VietQR.vn, in both spellings of its names (rails.md §2.6). */
import { z } from 'zod'
import { parseVnd } from '../../../src/domain/money.ts'
import type { RawRequest } from '../../contract.ts'
import { readJsonObject } from '../../shared/json-body.ts'

export const syncPath = '/bank/api/transaction-sync'

const shortText = z.string().max(100).nullish()
const idText = z
  .string()
  .regex(/^[\x21-\x7e]{0,100}$/)
  .nullish()

const messageSchema = z.object({
  bankaccount: z.string().max(40),
  amount: z.unknown().transform((value, context) => {
    // The token mode sends a number; the HMAC mode a text, possibly with zeros before it.
    const amount = parseVnd(typeof value === 'string' ? value.replace(/^0+(?=\d)/, '') : value, 0n)
    if (amount !== null) return amount
    context.addIssue({ code: 'custom', message: 'is no amount' })
    return z.NEVER
  }),
  transType: z.enum(['C', 'D']),
  content: z.string().max(1000),
  transactionid: idText,
  transactiontime: z.union([shortText, z.int().transform(String)]),
  referencenumber: idText,
  orderId: shortText,
  terminalCode: shortText,
  subTerminalCode: shortText,
  serviceCode: shortText,
  signature: shortText,
})

export type SyncMessage = z.infer<typeof messageSchema>

export type SyncReading =
  | { readonly ok: true; readonly message: SyncMessage }
  | { readonly ok: false; readonly reason: 'malformed' | 'repeated-field'; readonly detail: string }

/** Spelling in the English pages → spelling in the table. */
const otherSpellings: Readonly<Record<string, string>> = {
  bankAccount: 'bankaccount',
  transactionId: 'transactionid',
  transactionTime: 'transactiontime',
  referenceNumber: 'referencenumber',
}

export function readSyncMessage(request: RawRequest): SyncReading {
  const body = readJsonObject(request.body)
  if (!body.ok) return body
  const fields = { ...body.value }
  for (const [other, name] of Object.entries(otherSpellings)) {
    if (!Object.hasOwn(fields, other)) continue
    if (Object.hasOwn(fields, name)) return { ok: false, reason: 'repeated-field', detail: `${name} in both spellings` }
    fields[name] = fields[other]
  }
  const parsed = messageSchema.safeParse(fields)
  if (!parsed.success) return { ok: false, reason: 'malformed', detail: z.prettifyError(parsed.error) }
  return { ok: true, message: parsed.data }
}

export function evidenceOf(message: SyncMessage): Record<string, string | null | undefined> {
  const { content, orderId, transactionid, transactiontime, referencenumber } = message
  const { terminalCode, subTerminalCode, serviceCode } = message
  return {
    content,
    orderId,
    transactionid,
    transactiontime,
    referencenumber,
    terminalCode,
    subTerminalCode,
    serviceCode,
  }
}
