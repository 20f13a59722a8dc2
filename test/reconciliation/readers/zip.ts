/** Packs an XLSX for the tests: a plain zip of deflated parts, and a sheet from rows. */
import { crc32, deflateRawSync } from 'node:zlib'

export function zipOf(parts: Readonly<Record<string, string>>): Buffer {
  const bodies: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(parts)) {
    const plain = Buffer.from(content)
    const packed = deflateRawSync(plain)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(0x0800, 2)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(crc32(plain), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(plain.length, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, tail, Buffer.from(name))
    const body = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), packed])
    bodies.push(body)
    offset += body.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(bodies.length, 8)
  end.writeUInt16LE(bodies.length, 10)
  end.writeUInt32LE(listing.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...bodies, listing, end])
}

/** Text goes to the shared strings, `{ inline }` into the cell, numbers stay numbers, null leaves the cell out. */
export type SheetCell = string | number | null | { readonly inline: string }

export function xlsxOf(rows: readonly (readonly SheetCell[])[], from1904 = false): Buffer {
  const shared: string[] = []
  const body = rows.map((cells, row) => {
    const written = cells.map((cell, place) => {
      const at = `r="${String.fromCharCode(65 + place)}${row + 1}"`
      if (cell === null) return ''
      if (typeof cell === 'number') return `<c ${at}><v>${cell}</v></c>`
      if (typeof cell === 'object') return `<c ${at} t="inlineStr"><is><t>${cell.inline}</t></is></c>`
      return `<c ${at} t="s"><v>${shared.push(cell) - 1}</v></c>`
    })
    return `<row r="${row + 1}">${written.join('')}</row>`
  })
  const strings = shared.map(
    (text) => `<si><r><t>${text.slice(0, 1)}</t></r><r><t xml:space="preserve">${text.slice(1)}</t></r></si>`,
  )
  return zipOf({
    'xl/workbook.xml': `<workbook xmlns:r="r"><workbookPr date1904="${from1904}"/><sheets><sheet name="Sao kê" r:id="rId7"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels':
      '<Relationships><Relationship Id="rId7" Target="worksheets/sheet1.xml"/></Relationships>',
    'xl/sharedStrings.xml': `<sst>${strings.join('')}</sst>`,
    'xl/worksheets/sheet1.xml': `<worksheet><sheetData>${body.join('')}</sheetData><mergeCells><mergeCell ref="A1:E1"/></mergeCells></worksheet>`,
  })
}
