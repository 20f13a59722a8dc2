/** Strict reading of a JSON body: what two readers could understand differently is refused before anyone relies on it. */

export type JsonBody =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly reason: 'malformed' | 'repeated-field'; readonly detail: string }

type Flaw = { readonly reason: 'malformed' | 'repeated-field'; readonly detail: string }

const ordinaryBytes = 256 * 1024
const maxDepth = 32
/** Names that mean something to the language itself when an object is copied or merged. */
const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * The object in `bytes`. Refuses bad UTF-8, anything but an object, a name that stands twice in one object, names of the
 * language's own machinery, more than 32 levels, and numbers that a double cannot hold as written.
 */
export function parseJsonObject(bytes: Uint8Array): JsonBody {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return malformed('body is not UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return malformed('body is not JSON')
  }
  if (!isObject(value)) return malformed('body is no JSON object')
  const flaw = flawOf(text)
  return flaw === null ? { ok: true, value } : { ok: false, ...flaw }
}

/** `parseJsonObject` where nobody has limited the size yet. */
export function readJsonObject(bytes: Uint8Array, maxBytes: number = ordinaryBytes): JsonBody {
  return bytes.byteLength > maxBytes ? malformed('body too large') : parseJsonObject(bytes)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Walks text that is known to be JSON: strings, numbers, brackets and colons are all that matters. */
function flawOf(text: string): Flaw | null {
  const open: Set<string>[] = []
  let lastString = ''
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]|-?\d[\d.eE+-]*/g)) {
    if (token === '{' || token === '[') {
      open.push(new Set())
      if (open.length > maxDepth) return { reason: 'malformed', detail: 'nested too deep' }
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (token === ':') {
      // A colon outside a string follows a name, which JSON.parse un-escapes: "a" and "\u0061" are one name.
      const name = String(JSON.parse(lastString))
      if (forbiddenNames.has(name)) return { reason: 'malformed', detail: `a field is called ${name}` }
      const names = open.at(-1)
      if (names?.has(name) === true) return { reason: 'repeated-field', detail: `${name.slice(0, 50)} stands twice` }
      names?.add(name)
    } else if (token.startsWith('"')) {
      lastString = token
    } else if (!isExact(token)) {
      return { reason: 'malformed', detail: `the number ${token.slice(0, 40)} cannot be kept exactly` }
    }
  }
  return null
}

/** True when the double prints back to the same decimal value, and no neighbour could have been meant (at most 2^53 - 1). */
function isExact(literal: string): boolean {
  const value = Number(literal)
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER && decimalOf(String(value)) === decimalOf(literal)
}

/** One spelling per decimal value: significant digits without outer zeros, and the power of ten they stand at. */
function decimalOf(literal: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = trimZeros(digits)
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(power) - fraction.length + digits.length - significant.length}`
}

function trimZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end -= 1
  return digits.slice(0, end)
}

function malformed(detail: string): JsonBody {
  return { ok: false, reason: 'malformed', detail }
}
