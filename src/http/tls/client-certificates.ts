/**
 * The certificate a caller has proven to hold: on a TLS listener of ours, or at a proxy that ends TLS for us and passes it on in a
 * header. The header is believed from the listed addresses only, whatever `X-Forwarded-For` says.
 */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { isInRanges } from '../../network/address-ranges.ts'
import type { CertificateTrust } from '../../signing/certificate-trust.ts'
import type { CertificateFlaw } from '../../signing/certificates.ts'

/** Which listener a request came in by; each serves its own part of the gateway (`routesOfDoor`). */
export type Door = 'public' | 'bank' | 'portal'

export type Presented = {
  readonly certificate: X509Certificate
  /** What came with it, to lead to an authority. */
  readonly others: readonly X509Certificate[]
}

/** Why a caller's certificate is not good for a bank's door. */
export type ClientFlaw = CertificateFlaw | 'no-certificate' | 'no-authorities' | 'refused-by-tls'

export type BankJudgement =
  | { readonly ok: true; readonly chain: readonly X509Certificate[] }
  | { readonly ok: false; readonly reason: ClientFlaw; readonly presented: X509Certificate | null }

export type ClientCertificates = {
  doorOf(request: IncomingMessage): Door
  /** For listeners: this request came in by that door. */
  enteredBy(request: IncomingMessage, door: Door): void
  /** Null without a certificate, and with one that cannot be read. Says nothing about who certified it. */
  presentedBy(request: IncomingMessage): Presented | null
  /** Whether the caller holds a certificate of the banks' authorities, good for a client, now. */
  judgeBank(request: IncomingMessage, at: Date): BankJudgement
  /** Certificates banks were believed with, for warnings before they end. */
  seen(): readonly X509Certificate[]
}

export type ClientCertificateOptions = {
  /** Addresses and ranges of proxies. */
  readonly proxies: readonly string[]
  /** Lower-case name of the header with the certificate; the one with `-chain` after it may hold those between. */
  readonly header: string
  /** Null: no authority of banks is configured. */
  readonly bankTrust: CertificateTrust | null
}

/** More certificates than any chain has are not read. */
const mostOthers = 10
/** Banks and their certificates are few; when they are not, warnings about them are not what is missed. */
const mostSeen = 500

export function createClientCertificates({ proxies, header, bankTrust }: ClientCertificateOptions): ClientCertificates {
  const doors = new WeakMap<IncomingMessage, Door>()
  const seen = new Map<string, X509Certificate>()

  function presentedBy(request: IncomingMessage): Presented | null {
    if (request.socket instanceof TLSSocket) return presentedOnTls(request.socket)
    if (!isInRanges(request.socket.remoteAddress ?? '', proxies)) return null
    const [certificate, ...more] = readHeader(request.headers[header])
    if (certificate === undefined || more.length > 0) return null
    return { certificate, others: readHeader(request.headers[`${header}-chain`]).slice(0, mostOthers) }
  }

  return {
    doorOf: (request) => doors.get(request) ?? 'public',
    enteredBy: (request, door) => void doors.set(request, door),
    presentedBy,
    judgeBank(request, at) {
      const presented = presentedBy(request)
      if (presented === null) return { ok: false, reason: 'no-certificate', presented: null }
      const { certificate, others } = presented
      if (bankTrust === null) return { ok: false, reason: 'no-authorities', presented: certificate }
      const verdict = bankTrust.judge(certificate, others, 'client', at)
      if (!verdict.ok) return { ...verdict, presented: certificate }
      // On our own listener OpenSSL has looked as well, when the connection was made; both must agree.
      if (request.socket instanceof TLSSocket && !request.socket.authorized)
        return { ok: false, reason: 'refused-by-tls', presented: certificate }
      if (seen.size < mostSeen) seen.set(certificate.fingerprint256, certificate)
      return verdict
    },
    seen: () => [...seen.values()],
  }
}

function presentedOnTls(socket: TLSSocket): Presented | null {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return null
  const others: X509Certificate[] = []
  for (let next = certificate.issuerCertificate; next !== undefined && others.length < mostOthers; ) {
    others.push(next)
    next = next.issuerCertificate
  }
  return { certificate, others }
}

/**
 * `:base64 of DER:` (RFC 9440; several separated by commas), or PEM in percent-encoding as nginx (`$ssl_client_escaped_cert`) and
 * HAProxy write it. Empty for anything else: a header that cannot be read is no certificate.
 */
function readHeader(value: string | string[] | undefined): X509Certificate[] {
  if (typeof value !== 'string' || value.length > 64 * 1024) return []
  try {
    if (value.startsWith(':')) return value.split(',').map((item) => new X509Certificate(bytesOfItem(item.trim())))
    const pem = decodeURIComponent(value)
    return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
      (block) => new X509Certificate(block),
    )
  } catch {
    // The proxy's word is garbled; the caller is treated as one without a certificate.
    return []
  }
}

function bytesOfItem(item: string): Buffer {
  const [, base64 = ''] = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(item) ?? []
  return Buffer.from(base64, 'base64')
}
