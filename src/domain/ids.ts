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
  | 'pto'
  | 'ptm'
  | 'bsk'

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
