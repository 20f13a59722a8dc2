import type { RawRequest } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'

/** What a request claims to be about, before verification: for logs, trusted for nothing. */
export function lookupGeneric(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const body = readJsonObject(request.body)
  const payCode = body.ok ? body.value.payCode : null
  const named = typeof payCode === 'string' && /^[0-9A-Za-z]{1,32}$/.test(payCode)
  return { merchantRef: named ? payCode.toUpperCase() : null, accountHint: null }
}
