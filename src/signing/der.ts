/** Reading and writing DER by node-forge's ASN.1 engine, as bytes and with checks the engine leaves to its users. */
import forge from 'node-forge'

/** The engine's options, which its published types leave out. */
declare module 'node-forge' {
  namespace asn1 {
    function fromDer(bytes: util.ByteStringBuffer, options: FromDerOptions): Asn1
  }
}
type FromDerOptions = {
  readonly strict: boolean
  readonly parseAllBytes: boolean
  /** Off: a signature that happens to look like DER must stay bytes. */
  readonly decodeBitStrings: boolean
}

export type Asn1 = forge.asn1.Asn1
const { Type, Class } = forge.asn1
export const derType: typeof Type = Type

export class DerError extends Error {
  readonly code = 'DER'
}

/**
 * @throws DerError when the bytes are not exactly one DER value. The engine reads BER too (lengths that are left open or written
 *   long, integers with idle zeros), so what it read must come out again as it went in.
 */
export function readDer(bytes: Uint8Array): Asn1 {
  const value = readBer(bytes)
  if (hasLongTag(value) || !writeDer(value).equals(bytes)) throw new DerError('BER, and not DER')
  return value
}

function readBer(bytes: Uint8Array): Asn1 {
  try {
    const buffer = forge.util.createBuffer(Buffer.from(bytes).toString('binary'))
    return forge.asn1.fromDer(buffer, { strict: true, parseAllBytes: true, decodeBitStrings: false })
  } catch (error) {
    throw new DerError('not DER', { cause: error })
  }
}

/** The engine takes 31, which announces a tag of several bytes, for a tag of its own, and reads on in the wrong place. */
function hasLongTag(value: Asn1): boolean {
  return Number(value.type) === 31 || (Array.isArray(value.value) && value.value.some(hasLongTag))
}

export function writeDer(value: Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(value).getBytes(), 'binary')
}

/** The parts of a SEQUENCE, SET or tagged value. */
export function partsOf(value: Asn1 | undefined): readonly Asn1[] {
  if (value === undefined || !Array.isArray(value.value)) throw new DerError('a structure is missing')
  return value.value
}

/** The content of a simple value of that universal type. */
export function contentOf(value: Asn1 | undefined, type: forge.asn1.Type): Buffer {
  if (!isUniversal(value, type) || typeof value.value !== 'string') throw new DerError('a value is missing')
  return Buffer.from(value.value, 'binary')
}

export function isUniversal(value: Asn1 | undefined, type: forge.asn1.Type): value is Asn1 {
  return value !== undefined && value.tagClass === Class.UNIVERSAL && value.type === type
}

/** True for the context tag `[tag]`. */
export function isTagged(value: Asn1 | undefined, tag: number): value is Asn1 {
  // The engine types tags as universal types; a context tag shares the number only.
  return value !== undefined && value.tagClass === Class.CONTEXT_SPECIFIC && Number(value.type) === tag
}

export function oidOf(value: Asn1 | undefined): string {
  const content = contentOf(value, Type.OID).toString('binary')
  try {
    return forge.asn1.derToOid(content)
  } catch (error) {
    throw new DerError('not an object identifier', { cause: error })
  }
}

/** Content of a BIT STRING without its count of unused bits, which must be zero. */
export function bitsOf(value: Asn1 | undefined): Buffer {
  const content = contentOf(value, Type.BITSTRING)
  if (content[0] !== 0) throw new DerError('a bit string does not end on a byte')
  return content.subarray(1)
}

export function timeOf(value: Asn1 | undefined): Date {
  const isShort = isUniversal(value, Type.UTCTIME)
  const text = contentOf(value, isShort ? Type.UTCTIME : Type.GENERALIZEDTIME).toString('latin1')
  const [, years = '', rest] = /^(\d\d|\d{4})(\d{10})Z$/.exec(text) ?? []
  if (rest === undefined || years.length !== (isShort ? 2 : 4)) throw new DerError('a time is not in UTC to the second')
  // RFC 5280 §4.1.2.5.1: two-digit years mean 1950 to 2049.
  const year = isShort ? `${Number(years) < 50 ? '20' : '19'}${years}` : years
  const time = new Date(`${year}-${rest.replace(/(..)(..)(..)(..)(..)/, '$1-$2T$3:$4:$5')}Z`)
  if (Number.isNaN(time.getTime())) throw new DerError('a time does not exist')
  return time
}

export function sequence(...parts: readonly Asn1[]): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...parts])
}

/** SET OF: DER wants its members in the order of their encodings. */
export function setOf(members: readonly Asn1[]): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.SET, true, sortedByEncoding(members))
}

export function sortedByEncoding(members: readonly Asn1[]): Asn1[] {
  return [...members].sort((a, b) => Buffer.compare(writeDer(a), writeDer(b)))
}

export function tagged(tag: number, parts: readonly Asn1[]): Asn1 {
  return forge.asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [...parts])
}

export function oid(dotted: string): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.OID, false, forge.asn1.oidToDer(dotted).getBytes())
}

export function octets(bytes: Uint8Array): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, Buffer.from(bytes).toString('binary'))
}

export function smallInteger(value: number): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.INTEGER, false, forge.asn1.integerToDer(value).getBytes())
}

/** @param bytes two's complement, as short as can be: the content of another INTEGER */
export function integer(bytes: Uint8Array): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.INTEGER, false, Buffer.from(bytes).toString('binary'))
}

export function bits(bytes: Uint8Array): Asn1 {
  const content = Buffer.concat([Buffer.of(0), bytes])
  return forge.asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, content.toString('binary'))
}

export function nothing(): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.NULL, false, '')
}

/** RFC 5652 §11.3: UTCTime through 2049, GeneralizedTime from 2050. */
export function time(at: Date): Asn1 {
  const digits = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return at.getUTCFullYear() < 2050
    ? forge.asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, digits.slice(2))
    : forge.asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, digits)
}

/** A PEM block of that label. */
export function pemOf(der: Uint8Array, label: string): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** The DER in a PEM block of that label, or the bytes themselves when they are no PEM. */
export function derOf(bytes: Uint8Array, label: string): Buffer {
  const text = Buffer.from(bytes).toString('latin1')
  if (!text.includes('-----BEGIN ')) return Buffer.from(bytes)
  const [, body] = new RegExp(`-----BEGIN ${label}-----\\s([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(text) ?? []
  if (body === undefined) throw new DerError(`no ${label} in this PEM file`)
  return Buffer.from(body, 'base64')
}
