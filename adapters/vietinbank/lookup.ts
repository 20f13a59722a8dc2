import type { RawRequest } from '../contract.ts'
import { readJsonObject } from '../shared/json-body.ts'

/** What a notice claims to be about, before verification: for logs, trusted for nothing. */
export function lookupNotice(request: RawRequest): { merchantRef: string | null; accountHint: string | null } {
  const body = readJsonObject(request.body)
  if (!body.ok) return { merchantRef: null, accountHint: null }
  return { merchantRef: shortText(body.value.custCode), accountHint: shortText(body.value.providerId) }
}

function shortText(value: unknown): string | null {
  return typeof value === 'string' && /^[0-9A-Za-z._-]{1,50}$/.test(value) ? value : null
}
