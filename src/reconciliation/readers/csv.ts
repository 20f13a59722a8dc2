/** CSV of any bank, by its mapping (statements.md §3). */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, parse } from 'csv-parse'
import iconv from 'iconv-lite'
import { z } from 'zod'
import { showControlBytes } from './lines.ts'
import { StatementRefused } from './refused.ts'
import type { StatementEvent } from './statement.ts'
import type { Row } from './table/cell.ts'
import type { StatementMapping } from './table/mapping.ts'
import { TableReader } from './table/reader.ts'

export const maxRecordCharacters = 262_144

export async function* csvEvents(
  source: AsyncIterable<Uint8Array>,
  mapping: StatementMapping,
): AsyncGenerator<StatementEvent> {
  const table = new TableReader('csv', mapping)
  let lastLine = 1
  for await (const row of csvRows(source, mapping)) {
    lastLine = row.line
    yield* table.row(row)
  }
  yield* table.end(lastLine)
}

const recordShape = z.object({ info: z.object({ lines: z.number() }), record: z.array(z.string()), raw: z.string() })

/** Records of the file with the lines they begin on. Throws StatementRefused for a file that is no CSV. */
export async function* csvRows(
  source: AsyncIterable<Uint8Array>,
  mapping: Pick<StatementMapping, 'delimiter' | 'quote' | 'encoding'>,
): AsyncGenerator<Row> {
  const parser = parse({
    delimiter: mapping.delimiter,
    quote: mapping.quote ?? false,
    relax_column_count: true,
    info: true,
    raw: true,
    max_record_size: maxRecordCharacters,
  })
  const feeding = pipeline(Readable.from(decoded(source, mapping.encoding), { objectMode: false }), parser)
  // Its failure reaches us through the parser, which it destroys.
  feeding.catch(() => undefined)
  try {
    for await (const item of parser) {
      const { info, record, raw } = recordShape.parse(item)
      const text = raw.replace(/\r?\n?$/, '')
      yield {
        line: info.lines - (text.split('\n').length - 1),
        cells: record.map((cell) => ({ text: showControlBytes(cell).normalize('NFC'), numeric: false })),
        raw: showControlBytes(text),
      }
    }
    await feeding
  } catch (error) {
    if (error instanceof CsvError) {
      throw new StatementRefused(
        error.code === 'CSV_MAX_RECORD_SIZE' ? 'LIMIT' : 'CSV',
        error.message,
        errorLine(error),
      )
    }
    throw error
  }
}

function errorLine(error: CsvError): number | null {
  const { lines } = z.object({ lines: z.number().nullable().catch(null) }).parse({ lines: error.lines })
  return lines
}

async function* decoded(
  source: AsyncIterable<Uint8Array>,
  encoding: StatementMapping['encoding'],
): AsyncGenerator<string> {
  let decoder: Decoder | null = null
  let head: Uint8Array = new Uint8Array(0)
  for await (const chunk of source) {
    if (decoder !== null) {
      yield decoder(chunk)
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < 3) continue
    decoder = openDecoder(encoding, head)
    yield decoder(head)
  }
  decoder ??= openDecoder(encoding, head)
  yield head.length < 3 ? decoder(head) + decoder(null) : decoder(null)
}

/** Null ends the text. */
type Decoder = (bytes: Uint8Array | null) => string

function openDecoder(encoding: StatementMapping['encoding'], head: Uint8Array): Decoder {
  if (encoding === 'windows-1258' || encoding === 'windows-1252') {
    const legacy = iconv.getDecoder(encoding)
    return (bytes) => (bytes === null ? (legacy.end() ?? '') : legacy.write(Buffer.from(bytes)))
  }
  const label = encoding === 'utf-8' ? 'utf-8' : head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-16le'
  const unicode = new TextDecoder(label, { fatal: true })
  return (bytes) => {
    try {
      return bytes === null ? unicode.decode() : unicode.decode(bytes, { stream: true })
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new StatementRefused('ENCODING', `the file is not ${encoding}`)
    }
  }
}
