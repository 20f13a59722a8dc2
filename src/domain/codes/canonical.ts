/**
 * The canonical form of a code: outer spaces cut, letters upper-case, nothing else changed (domain.md §4).
 *
 * Every code of §4 is printable ASCII. Anything else is refused before Unicode normalisation or upper-casing could turn it
 * into ASCII: NFC makes a K of U+212A, upper-casing makes an S of `ſ` and an I of `ı`. An ASCII text is NFC already.
 * Only the ordinary space is cut: a tab, a line end, U+00A0 or U+FEFF at an edge is refused like one inside.
 */
import { type Code, type CodeName, type Parsed, refused } from './result.ts'

/** Longer than any code of domain.md §4. */
const longestCode = 64

export function canonicalCode(received: string, name: CodeName): Parsed<Code> {
  // Bounded first, so that no later step reads a long text.
  if (received.length > longestCode) return refused(name, 'TOO_LONG')
  const text = received.replace(/^ +| +$/g, '')
  if (text === '') return refused(name, 'EMPTY')
  if (!/^[\x21-\x7b\x7d\x7e]+$/.test(text)) return refused(name, 'FORBIDDEN_CHARACTER')
  return { ok: true, value: { received, canonical: text.toUpperCase() } }
}

/** Reads a code that is nothing but its pattern. The pattern is tested on the canonical form. */
export function patternCode(received: string, name: CodeName, pattern: RegExp): Parsed<Code> {
  const code = canonicalCode(received, name)
  return code.ok && !pattern.test(code.value.canonical) ? refused(name, 'WRONG_FORMAT') : code
}
