/**
 * The JSON of signed documents. A signature covers bytes, so a document is written once and those bytes are kept: members stand
 * in the order in which the document's builder names them, without white space, and nobody writes them a second time to verify.
 */

/** The language's access to JSON source text, which the compiler's library does not describe yet. */
declare global {
  interface JSON {
    /** A text that `stringify` puts in as it stands. */
    rawJSON(text: string): unknown
  }
}

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
