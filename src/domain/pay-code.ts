/**
 * Pay code: the short code for tellers, QR contents and SMS (domain.md §6.2).
 *
 * 12 characters: 11 random ones from 31 letters and digits without look-alikes, and a check character
 * (ISO 7064-style weighted sum modulo 31, a prime: every single wrong character and every swap of neighbours is found).
 * 31^11 ≈ 2.5 × 10^16 codes: not guessable in sequence.
 */
const alphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'
export const payCodeLength = 12
const bodyLength = payCodeLength - 1

/** Bytes of randomness `makePayCode` needs; the caller injects them. */
export const payCodeRandomBytes = 32

/** Makes a pay code from at least `payCodeRandomBytes` random bytes. The first character is a letter, so no bank reads it as a number. */
export function makePayCode(random: Uint8Array): string {
  let body = ''
  for (const byte of random) {
    // Bytes of 248 and above would favour the first characters of the alphabet.
    if (byte >= 248) continue
    const character = alphabet[byte % alphabet.length] ?? ''
    if (body === '' && character < 'A') continue
    body += character
    if (body.length === bodyLength) return body + checkCharacter(body)
  }
  throw new RangeError('not enough random bytes for a pay code')
}

export function isPayCode(text: string): boolean {
  if (text.length !== payCodeLength) return false
  for (const character of text) if (!alphabet.includes(character)) return false
  return text >= 'A' && checkCharacter(text.slice(0, bodyLength)) === text[bodyLength]
}

/**
 * All pay codes in a remittance text as banks deliver it: cut into lines, upper-cased, with spaces put in.
 * Everything but letters and digits is dropped first; the check character refuses all but 1 in 31 chance hits,
 * so a code that stands as its own word wins over one found across words.
 */
export function findPayCodes(text: string): string[] {
  const upper = text.toUpperCase()
  const words = new Set(upper.split(/[^A-Z0-9]+/).filter(isPayCode))
  if (words.size > 0) return [...words]
  const squeezed = upper.replace(/[^A-Z0-9]+/g, '')
  const found = new Set<string>()
  for (let start = 0; start + payCodeLength <= squeezed.length; start++) {
    const candidate = squeezed.slice(start, start + payCodeLength)
    if (isPayCode(candidate)) found.add(candidate)
  }
  return [...found]
}

function checkCharacter(body: string): string {
  let sum = 0
  for (let position = 0; position < body.length; position++) {
    sum += (position + 1) * alphabet.indexOf(body[position] ?? '')
  }
  return alphabet[sum % alphabet.length] ?? ''
}
