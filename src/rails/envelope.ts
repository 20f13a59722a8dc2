/**
 * The CMS signature that a bank puts around a rail's own protocol, when its rail account asks for one. It is opened before the
 * adapter reads anything, and the adapter's own checks come after it all the same.
 */
import { z } from 'zod'
import type { RawRequest } from '../../adapters/contract.ts'
import { type SignedTrust, signedBy, verifySigned } from '../signing/signed-by.ts'

/**
 * - `header`: a detached signature over the body's bytes, base64 of DER, in that header
 * - `body`: the body is the message, with the rail's own body inside
 */
export const envelope = z.discriminatedUnion('placement', [
  signedBy.extend({ placement: z.literal('header'), header: z.string().regex(/^[a-z0-9-]{1,60}$/) }),
  signedBy.extend({ placement: z.literal('body') }),
])
export type Envelope = z.infer<typeof envelope>

export type OpenedEnvelope =
  /** What the adapter may read. */
  { readonly ok: true; readonly request: RawRequest } | { readonly ok: false; readonly detail: string }

export function openEnvelope(wanted: Envelope | null, request: RawRequest, trust: SignedTrust): OpenedEnvelope {
  if (wanted === null) return { ok: true, request }
  // What stands in the address would go unsigned.
  if (request.query !== '' || request.body.length === 0)
    return { ok: false, detail: 'envelope: a signature covers a body, and this request says something beside it' }
  if (wanted.placement === 'body') {
    const verdict = verifySigned(request.body, null, wanted, trust)
    return verdict.ok && verdict.content !== null
      ? { ok: true, request: { ...request, body: verdict.content } }
      : { ok: false, detail: `envelope: ${verdict.ok ? 'malformed' : verdict.reason}` }
  }
  const text = request.headers[wanted.header] ?? ''
  const signature = Buffer.from(text, 'base64')
  if (text === '' || signature.toString('base64') !== text)
    return { ok: false, detail: `envelope: no signature in ${wanted.header}` }
  const verdict = verifySigned(signature, request.body, wanted, trust)
  return verdict.ok ? { ok: true, request } : { ok: false, detail: `envelope: ${verdict.reason}` }
}
