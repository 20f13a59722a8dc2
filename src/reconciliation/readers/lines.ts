/**
 * Bytes in chunks of any size -> text lines. Lines end CR LF, LF or CR; the last may lack its end.
 * A line that is not UTF-8 is read as Windows-1252, which covers Latin-1 (statements.md §1: such bytes are real).
 */
import { StatementRefused } from './refused.ts'

export type Line = {
  readonly number: number
  /** Control bytes other than tab stand as their U+2400 pictures, so that the text can be stored and shown. */
  readonly text: string
  readonly notUtf8: boolean
  readonly controlBytes: boolean
}

export const maxLineBytes = 65_536

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const windows1252 = new TextDecoder('windows-1252')
const lineFeed = 10
const carriageReturn = 13

export class LineSplitter {
  #rest: Uint8Array[] = []
  #restLength = 0
  #afterReturn = false
  #number = 0;

  /** Lines completed by this chunk. */
  *write(chunk: Uint8Array): Generator<Line> {
    let start = 0
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index]
      if (byte === lineFeed && this.#afterReturn) {
        this.#afterReturn = false
        start = index + 1
        continue
      }
      this.#afterReturn = byte === carriageReturn
      if (byte !== lineFeed && byte !== carriageReturn) continue
      yield this.#take(chunk.subarray(start, index))
      start = index + 1
    }
    this.#keep(chunk.subarray(start))
  }

  *end(): Generator<Line> {
    if (this.#restLength > 0) yield this.#take(new Uint8Array(0))
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return
    this.#restLength += part.length
    this.#checkLength(this.#restLength)
    // Copied: a stream may reuse its chunk's memory.
    this.#rest.push(new Uint8Array(part))
  }

  #take(part: Uint8Array): Line {
    this.#checkLength(this.#restLength + part.length)
    const bytes = this.#restLength === 0 ? part : Buffer.concat([...this.#rest, part])
    this.#rest = []
    this.#restLength = 0
    this.#number += 1
    return decode(bytes, this.#number)
  }

  #checkLength(length: number): void {
    if (length > maxLineBytes) {
      throw new StatementRefused('LIMIT', `line is longer than ${maxLineBytes} bytes`, this.#number + 1)
    }
  }
}

function decode(bytes: Uint8Array, number: number): Line {
  let text: string
  let notUtf8 = false
  try {
    text = utf8.decode(bytes)
  } catch {
    // The only way this decoder fails is on bytes that are not UTF-8.
    text = windows1252.decode(bytes)
    notUtf8 = true
  }
  if (number === 1 && text.startsWith('\uFEFF')) text = text.slice(1)
  const shown = showControlBytes(text)
  return { number, text: shown, notUtf8, controlBytes: shown !== text }
}

/** U+0000–U+001F (but tab and line ends), U+007F and U+0080–U+009F become visible characters. */
export function showControlBytes(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control bytes are what this looks for
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : '\uFFFD'
  })
}
