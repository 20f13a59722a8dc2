/** A bank's RSA key made for one test run, to sign what the published vectors do not hold. */
import { createSign, generateKeyPairSync, verify } from 'node:crypto'

export type BankKeys = {
  readonly privateKeyPem: string
  readonly publicKeyPem: string
  sign(text: string, digest?: 'sha256' | 'sha1'): string
}

export function makeKeys(modulusLength = 2048): BankKeys {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (text, digest = 'sha256') => createSign(digest).update(text, 'utf8').sign(privateKey, 'base64'),
  }
}

export function holds(text: string, signature: unknown, publicKeyPem: string, digest = 'sha256'): boolean {
  return verify(digest, Buffer.from(text, 'utf8'), publicKeyPem, Buffer.from(String(signature), 'base64'))
}
