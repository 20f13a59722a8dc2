/** Signing keys out of PKCS#12 files, for installations whose certificate authority or secret store hands out those. */
import { createPublicKey } from 'node:crypto'
import { basename } from 'node:path'
import { algorithmOf, thumbprint } from './algorithm.ts'
import { isDemoCertificate } from './certificates.ts'
import { type HeldKey, holdKeys, type KeyProvider, KeyRingError } from './key-provider.ts'
import { readPkcs12 } from './pkcs12.ts'
import { readPrivateFile } from './private-file.ts'

/**
 * The key of the first file signs, those of the others still verify. Files are read again at `reload`, so a key is rotated by
 * putting the new file first in the list, or by exchanging the files themselves.
 * @throws Pkcs12Error or PrivateFileError for a file that cannot be opened, KeyRingError for a key that cannot sign
 */
export function keysFromPkcs12(files: readonly string[], password: string): KeyProvider {
  let held = holdKeys(readAll(files, password), 'the PKCS#12 files')
  return {
    active: () => held.active(),
    find: (kid) => held.find(kid),
    publicJwks: () => held.publicJwks(),
    list: () => held.list(),
    reload() {
      held = holdKeys(readAll(files, password), 'the PKCS#12 files')
    },
  }
}

function readAll(files: readonly string[], password: string): HeldKey[] {
  const keys = files.map((file, index) => readOne(file, password, index === 0 ? 'active' : 'retired'))
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length)
    throw new KeyRingError('two of the PKCS#12 files hold the same key')
  return keys
}

function readOne(file: string, password: string, state: 'active' | 'retired'): HeldKey {
  const { privateKey, certificate } = readPkcs12(readPrivateFile(file), password)
  const publicKey = createPublicKey(privateKey)
  const alg = algorithmOf(publicKey)
  if (alg === null) throw new KeyRingError(`${file}: the key must be P-256 or RSA of at least 2048 bits`)
  return {
    kid: thumbprint(publicKey),
    alg,
    state,
    name: basename(file),
    createdAt: certificate.validFromDate.toISOString(),
    endsAt: certificate.validToDate.toISOString(),
    isDemo: isDemoCertificate(certificate),
    publicKey,
    privateKey,
  }
}
