/**
 * The JSON of signed documents. A signature covers bytes, so a document is written once and those bytes are kept: members stand
 * in the order in which the document's builder names them, without white space, and nobody writes them a second time to verify.
 */

/** The language's access to JSON source text, which the compiler's library does not describe yet. */
declare global {
  interface JSON {
    /** A text that `stringify` puts in as it stands. */
    rawJSON(text: string): unknown
    parse(text: string, reviver: Reviver): unknown
  }
}
type Reviver = (this: unknown, name: string, value: unknown, context: { readonly source?: string }) => unknown

export class JsonTextError extends Error {
  readonly code = 'JSON_TEXT'
}

/**
 * Writes a document. A bigint becomes a JSON integer with all its digits.
 * @throws JsonTextError for numbers JSON has no spelling for, and for integers a double has already rounded
 */
export function jsonText(document: object): string {
  return JSON.stringify(document, (name, value: unknown) => {
    if (typeof value === 'bigint') return JSON.rawJSON(value.toString())
    if (typeof value === 'number' && (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER))
      throw new JsonTextError(`${name} is ${value}: amounts are bigint, and other numbers are small`)
    return value
  })
}

/**
 * Reads a document: numbers as numbers, integers beyond what a number holds exactly as bigint.
 * @throws JsonTextError when the text is not one JSON object, a name stands twice in an object, or a number would be rounded
 */
export function readJsonText(bytes: Uint8Array): object {
  let text: string
  let value: unknown
  let members = 0
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    value = JSON.parse(text, function (name, read, { source }) {
      if (!Array.isArray(this)) members++
      return typeof read === 'number' && source !== undefined ? exactNumber(name, read, source) : read
    })
  } catch (error) {
    if (error instanceof JsonTextError) throw error
    throw new JsonTextError('not JSON in UTF-8', { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new JsonTextError('not a JSON object')
  // Outside strings a colon stands after each name. Of two members with one name only the last is kept. The reader also
  // visits the whole as if it were a member.
  const colons = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1
  if (colons !== members - 1) throw new JsonTextError('a name stands twice in one object')
  return value
}

function exactNumber(name: string, value: number, source: string): number | bigint {
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source)
  // Fractions and exponents: only as our own writer would spell them.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER || String(value) !== source)
    throw new JsonTextError(`the number at ${name} cannot be kept exactly`)
  return value
}
