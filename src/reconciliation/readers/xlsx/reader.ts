/** XLSX by the same mapping as CSV (statements.md §3). The sheet streams; only its shared strings are held. */

import { showControlBytes } from '../lines.ts'
import { StatementRefused } from '../refused.ts'
import type { StatementEvent } from '../statement.ts'
import type { Cell, Row } from '../table/cell.ts'
import type { StatementMapping } from '../table/mapping.ts'
import { TableReader } from '../table/reader.ts'
import { type XmlHandler, XmlStream } from '../xml.ts'
import { openWorkbook, refusing } from './workbook.ts'

export const maxColumns = 1_024

/** Zip needs its directory at the end of the file, so this reader takes a path and not a stream. */
export async function* xlsxEvents(filePath: string, mapping: StatementMapping): AsyncGenerator<StatementEvent> {
  const workbook = await openWorkbook(filePath, mapping.sheet)
  try {
    const table = new TableReader('xlsx', mapping, workbook.from1904)
    const sheet = new Sheet(workbook.sharedStrings)
    const xml = new XmlStream(sheet)
    const chunks = (await workbook.openSheet())[Symbol.asyncIterator]()
    for (;;) {
      const { done, value } = await refusing(() => chunks.next())
      if (done === true) break
      xml.write(value)
      for (const row of sheet.take()) yield* table.row(row)
    }
    xml.end()
    for (const row of sheet.take()) yield* table.row(row)
    yield* table.end(sheet.lastLine)
  } finally {
    workbook.close()
  }
}

const empty: Cell = { text: '', numeric: false }

/** Elements of a sheet -> rows. */
class Sheet implements XmlHandler {
  readonly #sharedStrings: readonly string[]
  #rows: Row[] = []
  #cells: Cell[] = []
  #type = 'n'
  #value = ''
  #inline = ''
  #place = 0
  lastLine = 0

  constructor(sharedStrings: readonly string[]) {
    this.#sharedStrings = sharedStrings
  }

  take(): Row[] {
    const rows = this.#rows
    this.#rows = []
    return rows
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    if (name === 'row') {
      this.lastLine = Number(attributes.r ?? this.lastLine + 1)
      this.#cells = []
    } else if (name === 'c') {
      this.#type = attributes.t ?? 'n'
      this.#value = ''
      this.#inline = ''
      this.#place = attributes.r === undefined ? this.#cells.length : columnPlace(attributes.r)
      if (this.#place >= maxColumns)
        throw new StatementRefused('LIMIT', `more than ${maxColumns} columns`, this.lastLine)
    }
  }

  close(name: string, text: string): void {
    if (name === 'v') this.#value = text
    else if (name === 't') this.#inline += text
    else if (name === 'c') {
      while (this.#cells.length < this.#place) this.#cells.push(empty)
      this.#cells[this.#place] = this.#cell()
    } else if (name === 'row') {
      const cells = this.#cells
      this.#rows.push({ line: this.lastLine, cells, raw: cells.map((cell) => cell.text).join('\t') })
    }
  }

  #cell(): Cell {
    if (this.#type === 'n') return { text: this.#value.trim(), numeric: this.#value.trim() !== '' }
    if (this.#type === 's') {
      const text = this.#sharedStrings[Number(this.#value)]
      if (text === undefined) throw new StatementRefused('XLSX', `no shared string ${this.#value}`, this.lastLine)
      return textCell(text)
    }
    return textCell(this.#type === 'inlineStr' ? this.#inline : this.#value)
  }
}

function textCell(text: string): Cell {
  return { text: showControlBytes(text).normalize('NFC'), numeric: false }
}

/** `B7` -> 1. */
function columnPlace(reference: string): number {
  let place = 0
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? 'A') place = place * 26 + letter.charCodeAt(0) - 64
  return place - 1
}
