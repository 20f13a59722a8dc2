/** Strict reading of a JSON body: what two readers could understand differently is refused before anyone relies on it. */

export type JsonBody =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly reason: 'malformed' | 'repeated-field'; readonly detail: string }

const maxBytes = 256 * 1024
const maxDepth = 16

/** The object in `bytes`. Refuses bad UTF-8, anything but an object, a name that stands twice, `__proto__`, and deep nesting. */
export function readJsonObject(bytes: Uint8Array): JsonBody {
  if (bytes.byteLength > maxBytes) return malformed('body too large')
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
  if (flaw !== null) return { ok: false, ...flaw }
  return { ok: true, value }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Walks text that is known to be JSON: strings, brackets and colons are all that matters. */
function flawOf(text: string): { reason: 'malformed' | 'repeated-field'; detail: string } | null {
  const open: Set<string>[] = []
  let lastString = ''
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') {
      open.push(new Set())
      if (open.length > maxDepth) return { reason: 'malformed', detail: 'nested too deep' }
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (token === ':') {
      // A colon outside a string follows a name, which JSON.parse un-escapes: "a" and "\u0061" are one name.
      const name = String(JSON.parse(lastString))
      if (name === '__proto__') return { reason: 'malformed', detail: 'a field is called __proto__' }
      const names = open.at(-1)
      if (names?.has(name) === true) return { reason: 'repeated-field', detail: `${name.slice(0, 50)} stands twice` }
      names?.add(name)
    } else {
      lastString = token
    }
  }
  return null
}

function malformed(detail: string): JsonBody {
  return { ok: false, reason: 'malformed', detail }
}
