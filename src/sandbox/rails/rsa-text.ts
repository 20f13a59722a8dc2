/** RSASSA-PKCS1-v1_5 over UTF-8 text, base64 (rails.md §3): how banks of the account rails sign. */
import { createPublicKey, generateKeyPair, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'

export type RsaScheme = 'RSA-SHA256' | 'RSA-SHA1(legacy)'
export type RsaPair = { readonly publicKeyPem: string; readonly privateKeyPem: string }

const generate = promisify(generateKeyPair)

export async function makeRsaPair(): Promise<RsaPair> {
  const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 })
  return {
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

function digestOf(scheme: RsaScheme): string {
  return scheme === 'RSA-SHA256' ? 'sha256' : 'sha1'
}

export function signText(text: string, privateKeyPem: string, scheme: RsaScheme = 'RSA-SHA256'): string {
  return sign(digestOf(scheme), Buffer.from(text, 'utf8'), privateKeyPem).toString('base64')
}

export function isTextSigned(
  text: string,
  signature: unknown,
  publicKeyPem: string,
  scheme: RsaScheme = 'RSA-SHA256',
): boolean {
  if (typeof signature !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(signature)) return false
  return verify(
    digestOf(scheme),
    Buffer.from(text, 'utf8'),
    createPublicKey(publicKeyPem),
    Buffer.from(signature, 'base64'),
  )
}

/** A signature that is well formed and wrong. */
export function spoilBase64(signature: string): string {
  return (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
}
