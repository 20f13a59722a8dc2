/** Which certificates count as one bank's: configuration, beside the rail account they belong to. */
import type { X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { publicKeyOf, spkiPin } from './certificates.ts'

const pin = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be base64 of a SHA-256 (feegate certs show prints it)')

/** A key, whoever certifies it; or a name, certified under one authority. `feegate certs show` prints all three texts. */
export const certificateRule = z.union([
  z.strictObject({ spki: pin }),
  z.strictObject({ subject: z.string().min(3).max(500), issuerSpki: pin }),
])
export type CertificateRule = z.infer<typeof certificateRule>

/** Several at once while a bank renews. */
export const certificateRules = z.array(certificateRule).min(1).max(10)

/** @param chain as `checkCertificate` found it: the certificate itself, then its authorities up to a root */
export function fitsRules(chain: readonly X509Certificate[], rules: readonly CertificateRule[]): boolean {
  const [leaf, ...authorities] = chain
  if (leaf === undefined) return false
  return rules.some((rule) =>
    'spki' in rule
      ? pinOf(leaf) === rule.spki
      : subjectOf(leaf) === rule.subject && authorities.some((authority) => pinOf(authority) === rule.issuerSpki),
  )
}

/** On one line, most general part first: `C=VN, O=Bank A, CN=client`. Commas inside a value are escaped, so no two names look alike. */
export function subjectOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ')
}

function pinOf(certificate: X509Certificate): string | null {
  return publicKeyOf(certificate) === null ? null : spkiPin(certificate)
}
