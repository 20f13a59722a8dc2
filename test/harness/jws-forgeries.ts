/** Ways in which a JWS that nobody signed has passed elsewhere for one that somebody did, by the name of the trick. */
import { createHmac, generateKeyPairSync, type KeyObject, type SignKeyObjectInput, sign } from 'node:crypto'

export type Genuine = {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** P-256, whose public part the verifier knows under the header's `kid`. */
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Where a verifier that follows addresses in a header would be seen. */
  readonly trapUrl: string
}

const b64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url')
const orderP256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const p1363 = (key: KeyObject): SignKeyObjectInput => ({ key, dsaEncoding: 'ieee-p1363' })

/** The honest form, for a test to see that the verifier takes it. */
export function honest(
  { header, claims, privateKey }: Genuine,
  over: { header?: object; claims?: object } = {},
): string {
  return signedBy(
    privateKey,
    JSON.stringify({ ...header, ...over.header }),
    JSON.stringify({ ...claims, ...over.claims }),
  )
}

/** s in the lower half, as our own signatures have it; anybody's library takes it as well. */
function signedBy(key: KeyObject, header: string, payload: string): string {
  const text = `${b64(header)}.${b64(payload)}`
  const signature = sign('sha256', Buffer.from(text), p1363(key))
  return `${text}.${b64(isHigh(signature) ? otherTwin(signature) : signature)}`
}

/** The second signature over the same text that anybody can compute from the first. */
export function malleated(jws: string): string {
  const [header = '', payload = '', signature = ''] = jws.split('.')
  return `${header}.${payload}.${b64(otherTwin(Buffer.from(signature, 'base64url')))}`
}

function isHigh(signature: Buffer): boolean {
  return BigInt(`0x${signature.toString('hex', 32)}`) > orderP256 / 2n
}

function otherTwin(signature: Buffer): Buffer {
  const s = orderP256 - BigInt(`0x${signature.toString('hex', 32)}`)
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
}

export function forgeries(genuine: Genuine): [string, string][] {
  const { header, claims, privateKey, publicKey, trapUrl } = genuine
  const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwkOf = (key: KeyObject): object => key.export({ format: 'jwk' })
  const payload = JSON.stringify(claims)
  const with_ = (more: object): string => JSON.stringify({ ...header, ...more })
  const raw = (headerText: string, signature: (text: string) => Uint8Array, payloadText = payload): string => {
    const text = `${b64(headerText)}.${b64(payloadText)}`
    return `${text}.${b64(signature(text))}`
  }
  const mine = (headerText: string, payloadText = payload): string =>
    signedBy(attacker.privateKey, headerText, payloadText)
  /** Signed by the true key, so that only the trick can be the reason of a refusal. */
  const theirs = (headerText: string, payloadText = payload): string => signedBy(privateKey, headerText, payloadText)
  const hmac = (key: string | Uint8Array) => (text: string) => createHmac('sha256', key).update(text).digest()
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const other = (curve: string, digest: string) => (text: string) =>
    sign(digest, Buffer.from(text), p1363(generateKeyPairSync('ec', { namedCurve: curve }).privateKey))
  const good = honest(genuine)
  const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.')
  const bytes = Buffer.from(goodSignature, 'base64url')
  const zeros = Buffer.alloc(32)
  const n = Buffer.from(orderP256.toString(16), 'hex')
  const names = Object.keys(claims)
  const first = names[0] ?? 'sub'
  const standard = Buffer.from(goodSignature, 'base64url').toString('base64')
  const trailing = goodSignature.replace(/.$/, (last) => String.fromCharCode(last.charCodeAt(0) + 1))

  return [
    ['alg none', `${b64(with_({ alg: 'none' }))}.${b64(payload)}.`],
    ['alg none with a signature', theirs(with_({ alg: 'none' }))],
    ['alg NONE', theirs(with_({ alg: 'NONE' }))],
    ['no alg', theirs(with_({ alg: undefined }))],
    ['alg as a list', theirs(with_({ alg: ['ES256'] }))],
    ['HMAC with the public key in PEM', raw(with_({ alg: 'HS256' }), hmac(pem))],
    ['HMAC with the public key in PEM, trimmed', raw(with_({ alg: 'HS256' }), hmac(pem.trim()))],
    ['HMAC with the public key in DER', raw(with_({ alg: 'HS256' }), hmac(spki))],
    ['HMAC with the public key as JWK', raw(with_({ alg: 'HS256' }), hmac(JSON.stringify(jwkOf(publicKey))))],
    ['HMAC with nothing', raw(with_({ alg: 'HS256' }), hmac(''))],
    ['another key', mine(JSON.stringify(header))],
    ['kid that climbs to an empty file', raw(with_({ alg: 'HS256', kid: '../../../../dev/null' }), hmac(''))],
    ['kid that climbs', mine(with_({ kid: '../../../../../tmp/key' }))],
    ['kid with a query', mine(with_({ kid: "x' UNION SELECT 'key" }))],
    ['kid with NUL', mine(with_({ kid: `${String(header.kid)}\u0000` }))],
    ['kid as a number', mine(with_({ kid: 1 }))],
    ['kid of the language', mine(with_({ kid: '__proto__' }))],
    ['an own key in the header', mine(with_({ jwk: jwkOf(attacker.publicKey) }))],
    [
      'an own key in place of the id',
      mine(JSON.stringify({ ...header, kid: undefined, jwk: jwkOf(attacker.publicKey) })),
    ],
    ['an address of own keys', mine(with_({ jku: `${trapUrl}/jwks.json` }))],
    ['an address of an own certificate', mine(with_({ x5u: `${trapUrl}/cert.pem` }))],
    ['an own certificate', mine(with_({ x5c: [Buffer.from('not read').toString('base64')] }))],
    ['P-384 under ES256', raw(JSON.stringify(header), other('P-384', 'sha256'))],
    ['P-384 under ES384', raw(with_({ alg: 'ES384' }), other('P-384', 'sha384'))],
    ['secp256k1', raw(JSON.stringify(header), other('secp256k1', 'sha256'))],
    ['ES256K', raw(with_({ alg: 'ES256K' }), other('secp256k1', 'sha256'))],
    ['the signature in DER', raw(JSON.stringify(header), (text) => sign('sha256', Buffer.from(text), privateKey))],
    ['a signature of zeros', raw(JSON.stringify(header), () => Buffer.alloc(64))],
    ['r zero', raw(JSON.stringify(header), () => Buffer.concat([zeros, bytes.subarray(32)]))],
    ['s zero', raw(JSON.stringify(header), () => Buffer.concat([bytes.subarray(0, 32), zeros]))],
    ['r the order', raw(JSON.stringify(header), () => Buffer.concat([n, bytes.subarray(32)]))],
    ['s plus the order, cut', raw(JSON.stringify(header), () => Buffer.concat([bytes, Buffer.of(0)]))],
    ['no signature', `${goodHeader}.${goodPayload}.`],
    ['crit that nobody knows', theirs(with_({ crit: ['exp2'], exp2: 1 }))],
    ['crit that is empty', theirs(with_({ crit: [] }))],
    [
      'an unencoded payload',
      `${b64(with_({ b64: false, crit: ['b64'] }))}.${payload}.${b64(
        sign('sha256', Buffer.from(`${b64(with_({ b64: false, crit: ['b64'] }))}.${payload}`), p1363(privateKey)),
      )}`,
    ],
    ['b64 false over an encoded payload', theirs(with_({ b64: false, crit: ['b64'] }))],
    ['alg twice', theirs(`{"alg":"none",${JSON.stringify(header).slice(1)}`)],
    ['kid twice', theirs(`${JSON.stringify(header).slice(0, -1)},"kid":"x"}`)],
    ['alg twice, once escaped', theirs(`{"\\u0061lg":"HS256",${JSON.stringify(header).slice(1)}`)],
    ['a claim twice', theirs(JSON.stringify(header), `{"${first}":"attacker",${payload.slice(1)}`)],
    ['a claim of the language', theirs(JSON.stringify(header), `{"__proto__":{"admin":true},${payload.slice(1)}`)],
    ['a payload that is a list', theirs(JSON.stringify(header), `[${payload}]`)],
    ['a payload that is text', theirs(JSON.stringify(header), 'null')],
    ['a header that is a list', theirs(`[${JSON.stringify(header)}]`)],
    [
      'another payload under the signature',
      `${goodHeader}.${b64(JSON.stringify({ ...claims, [first]: 'attacker' }))}.${goodSignature}`,
    ],
    ['another header under the signature', `${b64(with_({ typ: 'x' }))}.${goodPayload}.${goodSignature}`],
    ['padding', `${good}==`],
    ['other trailing bits', `${goodHeader}.${goodPayload}.${trailing}`],
    ['the other alphabet', /[+/]/.test(standard) ? `${goodHeader}.${goodPayload}.${standard}` : `${good}=`],
    ['four parts', `${good}.x`],
    ['five parts', `${goodHeader}.x.x.${goodPayload}.${goodSignature}`],
    ['two parts', `${goodHeader}.${goodPayload}`],
    ['a line end', `${goodHeader}\n.${goodPayload}.${goodSignature}`],
    ['JSON serialisation', JSON.stringify({ protected: goodHeader, payload: goodPayload, signature: goodSignature })],
  ]
}
