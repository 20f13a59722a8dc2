/** Certificate-bound tokens (RFC 8705 §3): a token got with a client certificate works with that certificate only. */
import { createHash, type X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { ClientCertificates } from './client-certificates.ts'

/** `cnf` as we write it; a token bound in another way (`jkt`, `jwk`) is bound to something nobody here can show. */
export const confirmation = z.strictObject({ 'x5t#S256': z.string() })
export type Confirmation = z.infer<typeof confirmation>

export function confirmationOf(certificate: X509Certificate): Confirmation {
  return { 'x5t#S256': createHash('sha256').update(certificate.raw).digest('base64url') }
}

/** True for a token that is bound to nothing, and for one whose caller shows the certificate it is bound to. */
export function holdsToken(
  bound: Confirmation | undefined,
  request: IncomingMessage,
  { presentedBy }: Pick<ClientCertificates, 'presentedBy'>,
): boolean {
  if (bound === undefined) return true
  const presented = presentedBy(request)
  return presented !== null && confirmationOf(presented.certificate)['x5t#S256'] === bound['x5t#S256']
}
