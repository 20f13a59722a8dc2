/**
 * Prefixed, sortable ids (`inv_…`, `pay_…`): 48 bits of milliseconds and 80 random bits in Crockford base 32, lower case.
 * Ids made later sort later (to the millisecond), so they serve as list cursors.
 */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

export const idRandomBytes = 10

export type IdPrefix =
  | 'ten'
  | 'cli'
  | 'bac'
  | 'inv'
  | 'pay'
  | 'stl'
  | 'ltx'
  | 'ref'
  | 'pob'
  | 'rca'
  | 'rcp'
  | 'rsr'
  | 'rsm'
  | 'cbk'
  | 'evt'
  | 'dlv'
  | 'whe'
  | 'rel'
  | 'req'
  | 'brv'
  | 'shf'
  | 'col'
  | 'cor'
  | 'hov'
  | 'pto'
  | 'ptm'
  | 'fil'
  | 'src'
  | 'xmv'
  | 'bsk'
  | 'sgn'
  | 'pfd'

export function makeId(prefix: IdPrefix, now: Date, random: Uint8Array): string {
  if (random.length < idRandomBytes) throw new RangeError(`an id needs ${idRandomBytes} random bytes`)
  let bits = BigInt(now.getTime())
  for (let index = 0; index < idRandomBytes; index++) bits = (bits << 8n) | BigInt(random[index] ?? 0)
  let text = ''
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += alphabet[Number((bits >> shift) & 31n)]
  return `${prefix}_${text}`
}

/** True for an id this function could have made; says nothing about whether it exists. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return (
    text.length === prefix.length + 27 &&
    text.startsWith(`${prefix}_`) &&
    /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(prefix.length + 1))
  )
}

export type SequencePrefix = 'stm' | 'lin' | 'row' | 'run' | 'mat' | 'brk' | 'rsl' | 'day'

const sequenceDigits = 26

/** The same shape for rows that are numbered by the database, a million at a time: `brk_…`, sortable by number. */
export function sequenceId(prefix: SequencePrefix, number: bigint): string {
  let text = ''
  for (let rest = number; text.length < sequenceDigits; rest >>= 5n) text = (alphabet[Number(rest & 31n)] ?? '') + text
  return `${prefix}_${text}`
}

/** The number in such an id; null for any other text and for numbers no database gives. */
export function sequenceNumber(prefix: SequencePrefix, text: string): bigint | null {
  if (text.length !== prefix.length + 1 + sequenceDigits || !text.startsWith(`${prefix}_`)) return null
  let number = 0n
  for (const character of text.slice(prefix.length + 1)) {
    const digit = alphabet.indexOf(character)
    if (digit === -1) return null
    number = (number << 5n) | BigInt(digit)
  }
  return number < 1n << 63n ? number : null
}
