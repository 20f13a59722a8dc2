/**
 * Layout `feegate-rows`: one JSON object per line in the normalised form itself, for rails whose file another system has read
 * already. The last line is `{"rows": n, "gross": n, "net": n}`: a file that was cut off is refused.
 */
import { z } from 'zod'
import { LineSplitter } from '../readers/lines.ts'
import { type SettlementFileEvent, type SettlementFileReader, settlementRowStatuses } from './row.ts'

const whole = z.int().transform(BigInt)
const rowShape = z.strictObject({
  railTransactionId: z.string(),
  merchantRef: z.string().nullable().default(null),
  gross: whole,
  fee: whole,
  net: whole,
  occurredAt: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  status: z.enum(settlementRowStatuses),
  batchId: z.string().nullable().default(null),
  valueDate: z.iso.date().nullable().default(null),
})
const trailerShape = z.strictObject({ rows: z.int().min(0), gross: whole, net: whole })

export const normalisedReader: SettlementFileReader = { layout: 'feegate-rows', read }

async function* read(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SettlementFileEvent> {
  const splitter = new LineSplitter()
  const sums = { rows: 0, gross: 0n, net: 0n }
  let ended = false
  let last = 1
  function* events(lines: Iterable<{ number: number; text: string }>): Generator<SettlementFileEvent> {
    for (const { number, text } of lines) {
      last = number
      if (text.trim() === '') continue
      const value = parseJson(text)
      const trailer = trailerShape.safeParse(value)
      if (ended) yield problem(number, 'a line behind the trailer')
      else if (trailer.success) {
        ended = true
        const { rows, gross, net } = trailer.data
        if (rows !== sums.rows || gross !== sums.gross || net !== sums.net)
          yield problem(
            number,
            `the trailer counts ${rows} rows, ${gross} and ${net}; the file holds ${sums.rows}, ${sums.gross} and ${sums.net}`,
          )
      } else {
        const row = rowShape.safeParse(value)
        if (!row.success) yield problem(number, z.prettifyError(row.error))
        else {
          sums.rows += 1
          sums.gross += row.data.gross
          sums.net += row.data.net
          yield { kind: 'row', row: { line: number, raw: text, ...row.data } }
        }
      }
    }
  }
  for await (const chunk of bytes) yield* events(splitter.write(chunk))
  yield* events(splitter.end())
  if (!ended) yield problem(last, 'no trailer: the file was cut off')
}

function problem(line: number, message: string): SettlementFileEvent {
  return { kind: 'problem', problem: { line, message } }
}

/** Undefined for what is no JSON: no shape takes that. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
