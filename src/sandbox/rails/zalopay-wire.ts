/** ZaloPay's MACs as ZaloPay itself makes and checks them (rails.md §5.2): `key1` for what merchants send, `key2` for what it sends. */
import { createHmac } from 'node:crypto'
import { isHexOf } from '../mac.ts'

export type ZalopayFields = Readonly<Record<string, unknown>>

/** Values between bars; `key1` stands for the key itself. */
const signedFields = {
  create: 'app_id app_trans_id app_user amount app_time embed_data item',
  query: 'app_id app_trans_id key1',
  refund: 'app_id zp_trans_id amount description timestamp',
  query_refund: 'app_id m_refund_id timestamp',
} as const
export type ZalopayCall = keyof typeof signedFields
export const zalopayCalls: readonly ZalopayCall[] = ['create', 'query', 'refund', 'query_refund']

/** Null when a signed field is missing or is neither text nor a whole number. */
export function callText(call: ZalopayCall, fields: ZalopayFields, key1: string): string | null {
  const values = signedFields[call].split(' ').map((name) => (name === 'key1' ? key1 : fields[name]))
  const isWhole = values.every((value) => typeof value === 'string' || Number.isSafeInteger(value))
  return isWhole ? values.join('|') : null
}

export function macOf(text: string, key: string): string {
  return createHmac('sha256', key).update(text, 'utf8').digest('hex')
}

export function isSignedCall(call: ZalopayCall, fields: ZalopayFields, key1: string): boolean {
  const text = callText(call, fields, key1)
  const { mac } = fields
  return text !== null && typeof mac === 'string' && isHexOf(mac, Buffer.from(macOf(text, key1), 'hex'))
}
