import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import forge from 'node-forge'

export class Pkcs12Error extends Error {
  readonly code = 'PKCS12'
}

export type Pkcs12Content = { readonly privateKey: KeyObject; readonly certificate: X509Certificate }

/**
 * The private key and its certificate out of a PKCS#12 file, as banks and agencies hand them over.
 * @throws Pkcs12Error for a wrong password, no key, more than one key, or a key that does not fit the certificate
 */
export function readPkcs12(bytes: Uint8Array, password: string): Pkcs12Content {
  let store: forge.pkcs12.Pkcs12Pfx
  try {
    store = forge.pkcs12.pkcs12FromAsn1(
      forge.asn1.fromDer(forge.util.createBuffer(Buffer.from(bytes).toString('binary'))),
      true,
      password,
    )
  } catch (error) {
    throw new Pkcs12Error('not a PKCS#12 file, or the password is wrong', { cause: error })
  }
  const { pkcs8ShroudedKeyBag = '', keyBag = '', certBag = '' } = forge.pki.oids
  const keys = [pkcs8ShroudedKeyBag, keyBag]
    .flatMap((bagType) => store.getBags({ bagType })[bagType] ?? [])
    .flatMap(({ key }) => (key === undefined || key === null ? [] : [key]))
  const [key] = keys
  if (key === undefined || keys.length > 1)
    throw new Pkcs12Error(`the file holds ${keys.length} private keys; exactly one is needed`)
  const privateKey = createPrivateKey(forge.pki.privateKeyToPem(key))
  const certificates = (store.getBags({ bagType: certBag })[certBag] ?? []).flatMap(({ cert }) =>
    cert === undefined || cert === null ? [] : [new X509Certificate(forge.pki.certificateToPem(cert))],
  )
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(privateKey))
  if (certificate === undefined) throw new Pkcs12Error('no certificate in the file belongs to its key')
  return { privateKey, certificate }
}
