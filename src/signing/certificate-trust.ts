/** Authorities and revocation lists from files, read again when an operator has renewed them. */
import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type CertificatePurpose, type ChainVerdict, checkCertificate, readCertificates } from './certificates.ts'
import { type Crl, readCrl } from './crl.ts'

export class CertificateFileError extends Error {
  readonly code = 'CERTIFICATE_FILE'
}

export type TrustFiles = {
  /** PEM bundles of the authorities. */
  readonly authorities: readonly string[]
  /** When there is one, every certificate below a root needs a current list. */
  readonly crls: readonly string[]
}

export type CertificateTrust = {
  judge(
    certificate: X509Certificate,
    others: readonly X509Certificate[],
    purpose: CertificatePurpose,
    at: Date,
  ): ChainVerdict
  roots(): readonly X509Certificate[]
  crls(): readonly Crl[]
  /** What cannot be read leaves everything as it was, and throws. */
  reload(): void
}

/** @throws CertificateFileError naming the file */
export function openTrust(files: TrustFiles): CertificateTrust {
  let roots: readonly X509Certificate[] = []
  let crls: readonly Crl[] = []
  function reload(): void {
    const newRoots = files.authorities.flatMap((path) => readFrom(path, readCertificates))
    const newCrls = files.crls.map((path) => readFrom(path, readCrl))
    roots = newRoots
    crls = newCrls
  }
  reload()
  return {
    judge: (certificate, others, purpose, at) =>
      checkCertificate(certificate, {
        roots,
        intermediates: others,
        ...(files.crls.length === 0 ? {} : { crls }),
        purpose,
        at,
      }),
    roots: () => roots,
    crls: () => crls,
    reload,
  }
}

export function readFrom<Content>(path: string, read: (bytes: Buffer) => Content): Content {
  try {
    return read(readFileSync(path))
  } catch (error) {
    throw new CertificateFileError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    )
  }
}
