/** The three algorithms of our signatures (RFC 7518, RFC 8037): which key fits which, and the signature as JWS spells it. */
import { constants, createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'

export const algorithms = ['ES256', 'EdDSA', 'PS256'] as const
export type Algorithm = (typeof algorithms)[number]

const smallestRsaBits = 2048
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
/** Order of the group of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */
const orderP256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const halfOrderP256 = orderP256 / 2n

/** The one algorithm a key may be used with; null for keys of other kinds and for RSA keys that are too short. */
export function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm | null {
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= smallestRsaBits) return 'PS256'
  return null
}

/** A fresh private key. */
export function generateKey(alg: Algorithm): KeyObject {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    case 'EdDSA':
      return generateKeyPairSync('ed25519').privateKey
    case 'PS256':
      return generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
  }
}

/** The signature in JWS form: ECDSA as r and s of 32 bytes each, s in the lower half. */
export function signBytes(alg: Algorithm, privateKey: KeyObject, data: Uint8Array): Buffer {
  switch (alg) {
    case 'ES256':
      return oneSpelling(alg, sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }))
    case 'EdDSA':
      return sign(null, data, privateKey)
    case 'PS256':
      return sign('sha256', data, { key: privateKey, ...pss })
  }
}

export function verifyBytes(alg: Algorithm, publicKey: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  if (algorithmOf(publicKey) !== alg) return false
  switch (alg) {
    case 'ES256':
      return (
        isP256Signature(signature) && verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
      )
    case 'EdDSA':
      return verify(null, data, publicKey, signature)
    case 'PS256':
      return verify('sha256', data, { key: publicKey, ...pss }, signature)
  }
}

/**
 * With (r, s) a stranger can write (r, n - s), which verifies as well. Ours have the smaller s, and no other is believed: one
 * document has one signature. For signers that do not know this rule; anything but ES256 stays as it is.
 */
export function oneSpelling(alg: Algorithm, signature: Buffer): Buffer {
  if (alg !== 'ES256' || signature.length !== 64) return signature
  const s = BigInt(`0x${signature.toString('hex', 32)}`)
  if (s <= halfOrderP256) return signature
  return Buffer.concat([signature.subarray(0, 32), Buffer.from((orderP256 - s).toString(16).padStart(64, '0'), 'hex')])
}

/** 64 bytes; r from 1 to the order less one (zeros have passed for a signature elsewhere: CVE-2022-21449), s in the lower half. */
function isP256Signature(signature: Uint8Array): boolean {
  const hex = Buffer.from(signature).toString('hex')
  if (hex.length !== 128) return false
  const r = BigInt(`0x${hex.slice(0, 64)}`)
  const s = BigInt(`0x${hex.slice(64)}`)
  return r > 0n && r < orderP256 && s > 0n && s <= halfOrderP256
}

/** Members that make a public key what it is, in the order RFC 7638 §3.2 wants them. */
const thumbprintMembers = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] } as const

/** Key id: RFC 7638 thumbprint with SHA-256, 43 characters. The same key has the same id wherever it is held. */
export function thumbprint(publicKey: KeyObject): string {
  const jwk = publicKey.export({ format: 'jwk' })
  if (jwk.kty !== 'EC' && jwk.kty !== 'OKP' && jwk.kty !== 'RSA') throw new TypeError('not a key with a thumbprint')
  const members = thumbprintMembers[jwk.kty].map((name) => [name, jwk[name]])
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url')
}
