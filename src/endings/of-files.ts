/** What ends among the files the settings name. */
import type { Config } from '../config.ts'
import { readFrom } from '../signing/certificate-trust.ts'
import { readCertificates } from '../signing/certificates.ts'
import { readCrl } from '../signing/crl.ts'
import type { KeyProvider } from '../signing/key-provider.ts'
import { type Ending, endingOfCertificate } from './ending.ts'

export type EndingFiles = Pick<Config, 'bankTls' | 'portalTls' | 'bankAuthorities' | 'bankCrls' | 'signerCrls'>

/** @throws CertificateFileError naming a file that cannot be read */
export function endingsOfFiles(files: EndingFiles): Ending[] {
  const certificates: [string, readonly string[]][] = [
    ['BANK_TLS_CERT', files.bankTls === null ? [] : [files.bankTls.certificate]],
    ['PORTAL_TLS_CERT', files.portalTls === null ? [] : [files.portalTls.certificate]],
    ['BANK_TLS_CA', files.bankAuthorities],
  ]
  const lists: [string, readonly string[]][] = [
    ['BANK_TLS_CRL', files.bankCrls],
    ['SIGNER_CRL', files.signerCrls],
  ]
  return [
    ...certificates.flatMap(([setting, paths]) =>
      paths.flatMap((path) =>
        readFrom(path, readCertificates).map((certificate) => endingOfCertificate(`${setting} ${path}`, certificate)),
      ),
    ),
    ...lists.flatMap(([setting, paths]) =>
      paths.map((path): Ending => {
        const { nextUpdate, thisUpdate } = readFrom(path, readCrl)
        return { kind: 'list', name: `${setting} ${path}`, endsAt: nextUpdate ?? thisUpdate, isDemo: false }
      }),
    ),
  ]
}

export function endingsOfKeys(keys: Pick<KeyProvider, 'list'>): Ending[] {
  return keys
    .list()
    .filter(({ state }) => state !== 'revoked')
    .map(({ name, kid, endsAt, isDemo }) => ({
      kind: 'key',
      name: `signing key ${name} (${kid})`,
      endsAt: endsAt === null ? null : new Date(endsAt),
      isDemo,
    }))
}

/** Master keys have no end; one that the sandbox made for itself is a demo key. */
export function endingsOfMasterKeys(ids: readonly string[]): Ending[] {
  return ids.map((id) => ({ kind: 'key', name: `master key ${id}`, endsAt: null, isDemo: id.startsWith('sandbox-') }))
}
