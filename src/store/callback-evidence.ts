import type { HttpReply, RawRequest } from '../../adapters/contract.ts'
import type { Row } from './rows.ts'

export type CallbackEvidence = {
  readonly id: string
  readonly tenantId: string
  readonly railAccountId: string
  readonly receivedAt: Date
  readonly requestId: string
  readonly remoteAddress: string
  readonly request: RawRequest
  readonly verdict: string
  readonly detail: string
  readonly settlementId: string | null
  readonly reply: HttpReply
}

/** Headers that hold credentials: the evidence is the signed message, not the key to our door. */
const credentials = new Set(['authorization', 'cookie', 'proxy-authorization'])

/** The row of table `callbacks`: what arrived, byte for byte, and what was answered. */
export function callbackRow(evidence: CallbackEvidence): Row {
  const { request, reply } = evidence
  return {
    id: evidence.id,
    tenant_id: evidence.tenantId,
    rail_account_id: evidence.railAccountId,
    received_at: evidence.receivedAt,
    request_id: evidence.requestId,
    remote_address: evidence.remoteAddress,
    method: request.method,
    path: request.path,
    query: request.query,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !credentials.has(name))),
    body: request.body,
    verdict: evidence.verdict,
    detail: storableText(evidence.detail).slice(0, 500),
    settlement_id: evidence.settlementId,
    reply_status: reply.status,
    reply_body: reply.body,
  }
}

/** PostgreSQL text cannot hold NUL; a stray byte must not cost the commit. */
export function storableText(text: string): string {
  return text.replaceAll('\u0000', '\ufffd')
}
