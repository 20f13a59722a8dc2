/** Strict reading of a query or form body: one meaning or none (rails.md, rule 3). */

export type QueryReading =
  | {
      readonly ok: true
      /** Decoded values in the order received; each name once. */
      readonly fields: ReadonlyMap<string, string>
      /** Names that stood more than once, and `a` for `a[]` or `a[0]`, which many readers take for it. */
      readonly repeated: ReadonlySet<string>
    }
  | { readonly ok: false; readonly detail: string }

const maxPairs = 200
const maxFormBytes = 256 * 1024

/**
 * Reads `name=value` pairs joined by `&`, with `+` for a space. Repeated names are reported, not refused: only the rail knows
 * which names it signs. Of a repeated name the first value is kept, and must not be relied on.
 * Refuses bad percent-encoding, bytes that are not UTF-8, characters that must be encoded and are not, more than 200 pairs.
 */
export function readQuery(raw: string): QueryReading {
  if (!/^[\x21-\x7e]*$/.test(raw)) return { ok: false, detail: 'a character stands unencoded' }
  const fields = new Map<string, string>()
  const repeated = new Set<string>()
  const pairs = raw.split('&').filter((pair) => pair !== '')
  if (pairs.length > maxPairs) return { ok: false, detail: 'too many fields' }
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
    const value = decode(equals === -1 ? '' : pair.slice(equals + 1))
    if (name === null || value === null) return { ok: false, detail: 'percent-encoding or UTF-8 is broken' }
    const [base = name] = name.split('[', 1)
    if (base !== name) repeated.add(base)
    if (fields.has(name)) repeated.add(name)
    else fields.set(name, value)
  }
  return { ok: true, fields, repeated }
}

/** `readQuery` of a form body; refuses one above 256 KiB. */
export function readForm(body: Uint8Array): QueryReading {
  if (body.byteLength > maxFormBytes) return { ok: false, detail: 'body too large' }
  let raw: string
  try {
    raw = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return { ok: false, detail: 'body is not UTF-8' }
  }
  return readQuery(raw)
}

/** Name and value as forms write them: UTF-8, upper-case hex, space as `+`, only letters, digits and `*-._` raw. */
export function encodePairs(pairs: Iterable<readonly [string, string]>): string {
  return new URLSearchParams([...pairs].map(([name, value]) => [name, value])).toString()
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    // A `%` without two hex digits, or bytes that are no UTF-8.
    return null
  }
}
