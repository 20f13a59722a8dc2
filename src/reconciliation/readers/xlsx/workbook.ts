/** The parts of an XLSX package that lead to a sheet: workbook, its relations, shared strings. */
import type { Readable } from 'node:stream'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { StatementRefused } from '../refused.ts'
import { type XmlHandler, XmlStream } from '../xml.ts'

export const maxParts = 2_000
/** Unpacked size of one part: a bound on what a small, malicious package can make us read. */
export const maxPartBytes = 2 ** 31
/** The shared strings stand in memory while the sheet streams by. */
export const maxSharedCharacters = 2 ** 26

export type Workbook = {
  readonly from1904: boolean
  readonly sharedStrings: readonly string[]
  readonly openSheet: () => Promise<Readable>
  close(): void
}

/** @throws StatementRefused `XLSX` when the package is broken or has no such sheet, `LIMIT` when it is too large. */
export async function openWorkbook(filePath: string, sheetName: string | undefined): Promise<Workbook> {
  const zip = await refusing(() => openPromise(filePath, { autoClose: false }))
  try {
    const parts = await refusing(() => listParts(zip))
    const open = async (name: string): Promise<Readable | null> => {
      const part = parts.get(name)
      return part === undefined ? null : refusing(() => zip.openReadStreamPromise(part))
    }
    const { sheets, from1904 } = await readWorkbook(await open('xl/workbook.xml'))
    const sheet = sheetName === undefined ? sheets[0] : sheets.find(({ name }) => name === sheetName)
    const targets = await readRelations(await open('xl/_rels/workbook.xml.rels'))
    const target = sheet === undefined ? undefined : targets.get(sheet.relation)
    if (target === undefined) throw new StatementRefused('XLSX', `the workbook has no sheet ${sheetName ?? ''}`.trim())
    const sharedStrings = await readSharedStrings(await open('xl/sharedStrings.xml'))
    const openSheet = async () => {
      const stream = await open(target)
      if (stream === null) throw new StatementRefused('XLSX', `the package has no part ${target}`)
      return stream
    }
    return { from1904, sharedStrings, openSheet, close: () => zip.close() }
  } catch (error) {
    zip.close()
    throw error
  }
}

/** Errors of the package become refusals; errors of the machine (no file, no right to read it) stay what they are. */
export async function refusing<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    if (error instanceof StatementRefused || !(error instanceof Error) || 'syscall' in error) throw error
    throw new StatementRefused('XLSX', `the package cannot be unpacked: ${error.message}`)
  }
}

async function listParts(zip: ZipFile): Promise<Map<string, Entry>> {
  const parts = new Map<string, Entry>()
  for await (const entry of zip.eachEntry()) {
    if (parts.size >= maxParts) throw new StatementRefused('LIMIT', `the package has more than ${maxParts} parts`)
    if (entry.uncompressedSize > maxPartBytes) {
      throw new StatementRefused('LIMIT', `part ${entry.fileName} unpacks to more than ${maxPartBytes} bytes`)
    }
    if (parts.has(entry.fileName))
      throw new StatementRefused('XLSX', `part ${entry.fileName} stands twice in the package`)
    parts.set(entry.fileName, entry)
  }
  return parts
}

async function readWorkbook(stream: Readable | null) {
  const sheets: { name: string; relation: string }[] = []
  let from1904 = false
  if (stream === null) throw new StatementRefused('XLSX', 'the package holds no workbook')
  await readPart(stream, {
    open(name, attributes) {
      if (name === 'workbookPr') from1904 = /^(?:1|true)$/.test(attributes.date1904 ?? '')
      if (name === 'sheet') sheets.push({ name: attributes.name ?? '', relation: attributes['r:id'] ?? '' })
    },
    close() {},
  })
  return { sheets, from1904 }
}

async function readRelations(stream: Readable | null): Promise<Map<string, string>> {
  const targets = new Map<string, string>()
  if (stream === null) return targets
  await readPart(stream, {
    open(name, { Id, Target, TargetMode }) {
      if (name !== 'Relationship' || Id === undefined || Target === undefined || TargetMode === 'External') return
      targets.set(Id, Target.startsWith('/') ? Target.slice(1) : `xl/${Target}`)
    },
    close() {},
  })
  return targets
}

async function readSharedStrings(stream: Readable | null): Promise<string[]> {
  const strings: string[] = []
  if (stream === null) return strings
  let text = ''
  let characters = 0
  let phonetic = false
  await readPart(stream, {
    open(name) {
      if (name === 'si') text = ''
      if (name === 'rPh') phonetic = true
    },
    close(name, part) {
      if (name === 't' && !phonetic) text += part
      if (name === 'rPh') phonetic = false
      if (name !== 'si') return
      characters += text.length
      if (characters > maxSharedCharacters) {
        throw new StatementRefused('LIMIT', `the shared strings are longer than ${maxSharedCharacters} characters`)
      }
      strings.push(text)
    },
  })
  return strings
}

async function readPart(stream: Readable, handler: XmlHandler): Promise<void> {
  const xml = new XmlStream(handler)
  await refusing(async () => {
    for await (const chunk of stream) xml.write(chunk)
    xml.end()
  })
}
