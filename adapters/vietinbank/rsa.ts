/**
 * RSA signatures of account rails: RSASSA-PKCS1-v1_5 over UTF-8 text, base64 (rails.md §3).
 * Reading a key is arithmetic on its text, so this stays pure; read keys are remembered because parsing costs more than verifying.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, X509Certificate } from 'node:crypto'
import { z } from 'zod'

/** Exactly one is configured per account, never both at once (rails.md §3). */
export const signatureSchemes = ['RSA-SHA256', 'RSA-SHA1(legacy)'] as const
export type SignatureScheme = (typeof signatureSchemes)[number]

const digests: Record<SignatureScheme, string> = { 'RSA-SHA256': 'sha256', 'RSA-SHA1(legacy)': 'sha1' }
const minModulusBits = 2048

/** Base64 of the signature over the UTF-8 bytes of `text`. */
export function signText(text: string, privateKeyPem: string, scheme: SignatureScheme): string {
  return sign(digests[scheme], Buffer.from(text, 'utf8'), privateKeyOf(privateKeyPem)).toString('base64')
}

/** False for any signature that is not strict base64, of another length, by another key or with another digest. */
export function verifyText(text: string, signature: string, bankKeyPem: string, scheme: SignatureScheme): boolean {
  const bytes = Buffer.from(signature, 'base64')
  // Node skips characters outside base64; one signature must have one spelling.
  if (bytes.length === 0 || bytes.toString('base64') !== signature) return false
  return verify(digests[scheme], Buffer.from(text, 'utf8'), publicKeyOf(bankKeyPem), bytes)
}

/** Our private key: PKCS#8 or PKCS#1 PEM, RSA of at least 2048 bits. */
export const privateKeyPem = z
  .string()
  .max(10_000)
  .refine(
    (pem) => isUsable(() => privateKeyOf(pem)),
    'must be an unencrypted RSA private key of at least 2048 bits in PEM',
  )

/** The bank's key: a public key or an X.509 certificate in PEM. The key is what is trusted: dates and issuer are not checked. */
export const bankKeyPem = z
  .string()
  .max(10_000)
  .refine(
    (pem) => isUsable(() => publicKeyOf(pem)),
    'must be an RSA public key or certificate of at least 2048 bits in PEM',
  )

function isUsable(read: () => KeyObject): boolean {
  try {
    const key = read()
    return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= minModulusBits
  } catch {
    // The refinement reports it as a bad value of this field.
    return false
  }
}

const maxRemembered = 256
const privateKeys = new Map<string, KeyObject>()
const publicKeys = new Map<string, KeyObject>()

function privateKeyOf(pem: string): KeyObject {
  return remember(privateKeys, pem, () => createPrivateKey(pem))
}

function publicKeyOf(pem: string): KeyObject {
  return remember(publicKeys, pem, () => {
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return new X509Certificate(pem).publicKey
    // createPublicKey would also take a private key: a bank's private key must never lie in our config.
    if (pem.includes('PRIVATE KEY')) throw new TypeError('a private key stands where the public key belongs')
    return createPublicKey(pem)
  })
}

function remember(keys: Map<string, KeyObject>, pem: string, read: () => KeyObject): KeyObject {
  const known = keys.get(pem)
  if (known !== undefined) return known
  const key = read()
  if (keys.size >= maxRemembered) keys.clear()
  keys.set(pem, key)
  return key
}
