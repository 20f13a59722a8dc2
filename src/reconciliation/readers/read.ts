/** One door to all readers: a file in, events out, and the rule that a broken file is refused whole. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { camtParser } from './camt/reader.ts'
import { csvEvents } from './csv.ts'
import { detectFormat, detectionBytes, type ReaderName } from './detect.ts'
import { mt940Parser } from './mt940/reader.ts'
import { maxProblems, StatementRefused } from './refused.ts'
import type { ProblemCode, Remark, StatementEvent, StatementParser } from './statement.ts'
import type { StatementMapping } from './table/mapping.ts'
import { xlsxEvents } from './xlsx/reader.ts'

export type ReadOptions = {
  /** Found from the content when left out. */
  readonly format?: ReaderName | undefined
  /** Needed for `csv` and `xlsx`. */
  readonly mapping?: StatementMapping | undefined
  /**
   * `refuse` (the default): problems are gathered and thrown together at the end of the file, so the caller must not commit
   * before the iteration has ended well. `report`: problems are events like the others, for a person to look at.
   */
  readonly problems?: 'refuse' | 'report'
  readonly maxBytes?: number
}

/** 4 GiB: ten times the largest daily file a single account can be expected to fill. */
export const defaultMaxBytes = 2 ** 32

/**
 * Statements of a file, in the order of the file, in constant memory.
 * @throws StatementRefused for a file that must not be booked; system errors of the file itself as they are.
 */
export async function* readStatementFile(filePath: string, options: ReadOptions = {}): AsyncGenerator<StatementEvent> {
  const format = options.format ?? (await detectFile(filePath))
  if (format !== 'xlsx') {
    yield* readStatements(createReadStream(filePath), format, options)
    return
  }
  await checkSize(filePath, options.maxBytes ?? defaultMaxBytes)
  yield* guarded(xlsxEvents(filePath, requiredMapping(options)), options)
}

/** The same for bytes from anywhere, for the formats that can be read from the front. */
export async function* readStatements(
  source: AsyncIterable<Uint8Array>,
  format: Exclude<ReaderName, 'xlsx'>,
  options: Omit<ReadOptions, 'format'> = {},
): AsyncGenerator<StatementEvent> {
  const bytes = limited(source, options.maxBytes ?? defaultMaxBytes)
  if (format === 'csv') yield* guarded(csvEvents(bytes, requiredMapping(options)), options)
  else yield* guarded(parsed(bytes, format === 'mt940' ? mt940Parser() : camtParser()), options)
}

/** @throws StatementRefused `UNKNOWN_FORMAT` when no reader fits. */
export async function detectFile(filePath: string): Promise<ReaderName> {
  const file = await open(filePath)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(detectionBytes), 0, detectionBytes, 0)
    const format = detectFormat(buffer.subarray(0, bytesRead), basename(filePath))
    if (format === null) throw new StatementRefused('UNKNOWN_FORMAT', 'the file is in no format that can be read')
    return format
  } finally {
    await file.close()
  }
}

function requiredMapping({ mapping }: ReadOptions): StatementMapping {
  if (mapping === undefined)
    throw new StatementRefused('MAPPING_REQUIRED', 'this format needs a mapping of its columns')
  return mapping
}

async function checkSize(filePath: string, maxBytes: number): Promise<void> {
  const file = await open(filePath)
  try {
    if ((await file.stat()).size > maxBytes) throw tooLarge(maxBytes)
  } finally {
    await file.close()
  }
}

async function* limited(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let total = 0
  for await (const chunk of source) {
    total += chunk.length
    if (total > maxBytes) throw tooLarge(maxBytes)
    yield chunk
  }
}

function tooLarge(maxBytes: number): StatementRefused {
  return new StatementRefused('LIMIT', `the file is larger than ${maxBytes} bytes`)
}

/** Bytes given to a parser at once: bounds the events that wait to be taken. */
const sliceBytes = 65_536

async function* parsed(source: AsyncIterable<Uint8Array>, parser: StatementParser): AsyncGenerator<StatementEvent> {
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += sliceBytes) {
      yield* parser.write(chunk.subarray(start, start + sliceBytes))
    }
  }
  yield* parser.end()
}

/** Problems gathered and thrown at the end, or passed on, as the options say. */
export async function* guarded(
  events: AsyncIterable<StatementEvent> | Iterable<StatementEvent>,
  { problems: policy = 'refuse' }: ReadOptions = {},
): AsyncGenerator<StatementEvent> {
  const problems: Remark<ProblemCode>[] = []
  for await (const event of events) {
    if (event.kind !== 'problem' || policy === 'report') {
      yield event
      continue
    }
    problems.push(event.remark)
    if (problems.length >= maxProblems) break
  }
  if (problems.length > 0) throw refusalOf(problems)
}

/** The refusal of a file that was read, and found wrong in these places. */
export function refusalOf(problems: readonly Remark<ProblemCode>[]): StatementRefused {
  const [first] = problems
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  const message = first === undefined ? 'the file is broken' : `${first.code}: ${first.message}${more}`
  return new StatementRefused('INTEGRITY', message, first?.line ?? null, problems)
}
