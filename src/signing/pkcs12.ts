/** Opening PKCS#12 files: a private key with its certificates, as certificate authorities hand them to banks and agencies. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import forge from 'node-forge'

export class Pkcs12Error extends Error {
  readonly code = 'PKCS12'
}

export type Pkcs12Content = {
  readonly privateKey: KeyObject
  /** The certificate of the key. */
  readonly certificate: X509Certificate
  /** The other certificates of the file: as a rule those that lead to a root. */
  readonly others: readonly X509Certificate[]
}

/**
 * The private key and its certificate. RSA and EC.
 * @throws Pkcs12Error for a wrong password, no key, more than one key, or a key that does not fit the certificate
 */
export function readPkcs12(bytes: Uint8Array, password: string): Pkcs12Content {
  const store = openStore(bytes, password)
  const { pkcs8ShroudedKeyBag = '', keyBag = '', certBag = '' } = forge.pki.oids
  const bags = (bagType: string): forge.pkcs12.Bag[] => store.getBags({ bagType })[bagType] ?? []
  const keys = [...bags(pkcs8ShroudedKeyBag), ...bags(keyBag)].map(privateKeyOf)
  const [privateKey] = keys
  if (privateKey === undefined || keys.length > 1)
    throw new Pkcs12Error(`the file holds ${keys.length} private keys; exactly one is needed`)
  const certificates = bags(certBag).map(certificateOf)
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(privateKey))
  if (certificate === undefined) throw new Pkcs12Error('no certificate in the file belongs to its key')
  return { privateKey, certificate, others: certificates.filter((candidate) => candidate !== certificate) }
}

function openStore(bytes: Uint8Array, password: string): forge.pkcs12.Pkcs12Pfx {
  try {
    const outer = forge.asn1.fromDer(forge.util.createBuffer(Buffer.from(bytes).toString('binary')))
    return forge.pkcs12.pkcs12FromAsn1(outer, true, password)
  } catch (error) {
    // Newer files hash such a password in two encodings at once, and node-forge knows one of them.
    const hint = /^[\x20-\x7e]*$/.test(password) ? '' : '; export it anew under a password of ASCII letters'
    throw new Pkcs12Error(`not a PKCS#12 file, or the password is wrong${hint}`, { cause: error })
  }
}

/** node-forge understands RSA; of anything else it hands over the ASN.1, which node:crypto understands. */
function privateKeyOf({ key, asn1 }: forge.pkcs12.Bag): KeyObject {
  try {
    return key !== undefined && key !== null
      ? createPrivateKey(forge.pki.privateKeyToPem(key))
      : createPrivateKey({ key: der(asn1), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw new Pkcs12Error('the private key is of no kind that is understood', { cause: error })
  }
}

function certificateOf({ cert, asn1 }: forge.pkcs12.Bag): X509Certificate {
  try {
    const known = cert !== undefined && cert !== null
    return new X509Certificate(der(known ? forge.pki.certificateToAsn1(cert) : asn1))
  } catch (error) {
    throw new Pkcs12Error('a certificate of the file cannot be read', { cause: error })
  }
}

function der(value: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(value).getBytes(), 'binary')
}
