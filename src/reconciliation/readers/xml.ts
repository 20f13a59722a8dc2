/**
 * XML bytes in chunks -> open and close of elements, by local name. No DTD, no entities but the five of XML, and bounds on
 * depth and on every single token, so that no document can make us hold much of it.
 */
import { type SaxesAttributePlain, SaxesParser } from 'saxes'
import { StatementRefused } from './refused.ts'
import { maxRawLength } from './statement.ts'

export type XmlHandler = {
  /** `depth` is 1 for the root. */
  open(name: string, attributes: Readonly<Record<string, string>>, depth: number): void
  /** `text` is what stood directly inside the element, untrimmed. */
  close(name: string, text: string, depth: number): void
}

export const maxXmlDepth = 64
/** Longest tag, text, comment or prolog, in characters. */
export const maxXmlToken = 262_144

const sliceBytes = 65_536
const declarationBytes = 256

export class XmlStream {
  readonly #parser = new SaxesParser({ xmlns: false, position: true })
  readonly #texts: string[] = []
  #decoder: TextDecoder | null = null
  #head: Uint8Array = new Uint8Array(0)
  /** Source text from the end of the last tag on, or from the start of a capture; `#sourceStart` is its position. */
  #source = ''
  #sourceStart = 0
  #lastTag = 0
  #lastToken = 0
  #captureStart: number | null = null

  constructor(handler: XmlHandler) {
    const parser = this.#parser
    parser.on('error', (error) => {
      throw new StatementRefused('XML', error.message.replace(/^[^ ]*\d+:\d+: /, ''), parser.line)
    })
    parser.on('doctype', () => {
      throw new StatementRefused('XML_DOCTYPE', 'a document type declaration is not allowed', parser.line)
    })
    parser.on('comment', () => this.#token())
    parser.on('processinginstruction', () => this.#token())
    parser.on('cdata', (text) => this.#text(text))
    parser.on('text', (text) => this.#text(text))
    parser.on('opentag', ({ name, attributes }) => {
      this.#token()
      if (this.#texts.length >= maxXmlDepth) {
        throw new StatementRefused('LIMIT', `elements are nested deeper than ${maxXmlDepth}`, parser.line)
      }
      this.#texts.push('')
      handler.open(
        localName(name),
        attributes satisfies Record<string, SaxesAttributePlain['value']>,
        this.#texts.length,
      )
      this.#lastTag = parser.position
    })
    parser.on('closetag', ({ name }) => {
      this.#token()
      handler.close(localName(name), this.#texts.pop() ?? '', this.#texts.length + 1)
      this.#lastTag = parser.position
    })
  }

  get line(): number {
    return this.#parser.line
  }

  write(chunk: Uint8Array): void {
    for (let start = 0; start < chunk.length; start += sliceBytes)
      this.#decode(chunk.subarray(start, start + sliceBytes))
  }

  end(): void {
    if (this.#decoder === null) this.#startDecoding()
    this.#parse(this.#decoder === null ? '' : this.#decodeText(new Uint8Array(0), false))
    this.#parser.close()
  }

  /** To be called from `open`: keeps the source of this element until `captured`. */
  capture(): void {
    const end = this.#parser.position - this.#sourceStart
    this.#captureStart = this.#sourceStart + this.#source.lastIndexOf('<', end - 1)
  }

  /** To be called from `close` of the same element: its source, cut at `maxRawLength`. */
  captured(): string {
    if (this.#captureStart === null) return ''
    const start = this.#captureStart - this.#sourceStart
    this.#captureStart = null
    const end = Math.min(start + maxRawLength, this.#parser.position - this.#sourceStart)
    return this.#source.slice(start, end)
  }

  #decode(bytes: Uint8Array): void {
    if (this.#decoder !== null) {
      this.#parse(this.#decodeText(bytes, true))
      return
    }
    this.#head = Buffer.concat([this.#head, bytes])
    if (this.#head.length >= declarationBytes) this.#startDecoding()
  }

  #startDecoding(): void {
    const label = encodingOf(this.#head)
    try {
      this.#decoder = new TextDecoder(label, { fatal: true })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new StatementRefused('ENCODING', `encoding ${label} is not known`, 1)
    }
    const head = this.#head
    this.#head = new Uint8Array(0)
    this.#parse(this.#decodeText(head, true))
  }

  #decodeText(bytes: Uint8Array, stream: boolean): string {
    try {
      return this.#decoder?.decode(bytes, { stream }) ?? ''
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new StatementRefused('ENCODING', 'bytes do not fit the encoding of the document', this.#parser.line)
    }
  }

  #parse(text: string): void {
    if (text === '') return
    this.#source += text
    this.#parser.write(text)
    if (this.#parser.position - this.#lastToken > maxXmlToken) {
      throw new StatementRefused('LIMIT', `a tag or text is longer than ${maxXmlToken} characters`, this.#parser.line)
    }
    this.#forget()
  }

  /** Drops source text that no capture can ask for. */
  #forget(): void {
    const start = this.#captureStart ?? this.#lastTag
    this.#source = this.#source.slice(start - this.#sourceStart)
    this.#sourceStart = start
  }

  #text(text: string): void {
    this.#token()
    const depth = this.#texts.length - 1
    const known = this.#texts[depth]
    if (known === undefined) return
    if (known.length + text.length > maxXmlToken) {
      throw new StatementRefused('LIMIT', `a text is longer than ${maxXmlToken} characters`, this.#parser.line)
    }
    this.#texts[depth] = known + text
  }

  #token(): void {
    this.#lastToken = this.#parser.position
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

/** Byte order mark first, then the XML declaration, then UTF-8. */
function encodingOf(head: Uint8Array): string {
  const [first, second] = head
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  if (first === 0x3c && second === 0) return 'utf-16le'
  if (first === 0 && second === 0x3c) return 'utf-16be'
  const declaration = Buffer.from(head.subarray(0, declarationBytes)).toString('latin1')
  return /^[^<]*<\?xml[^>]*?encoding\s*=\s*["']([^"']+)["']/.exec(declaration)?.[1] ?? 'utf-8'
}
