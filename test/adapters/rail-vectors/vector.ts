/** A vector of test/fixtures/vectors/rails, and what a runner of its kind must do with it. */
import { z } from 'zod'
import type {
  Adapter,
  AdapterContext,
  CallbackReading,
  RailAccount,
  RawRequest,
  Verdict,
} from '../../../adapters/contract.ts'

const record = z.record(z.string(), z.unknown())

export const fileSchema = z.looseObject({
  keys: z.record(z.string(), z.string()).optional(),
  vectors: z.array(
    z.looseObject({
      id: z.string(),
      op: z.string(),
      note: z.string(),
      key: z.union([z.string(), record]).optional(),
      input: record,
      expected: record,
    }),
  ),
})

export type VectorFile = z.infer<typeof fileSchema>
export type Vector = VectorFile['vectors'][number]

/** Lines for what is not as the vector says; none is a pass. */
export type Runner = (vector: Vector, file: VectorFile) => string[]

export type Runners = Readonly<Record<string, Runner>>

export function differs(what: string, given: unknown, expected: unknown): string[] {
  const [a, b] = [given, expected].map((value) => JSON.stringify(value))
  return a === b ? [] : [`${what}: ${a} is not ${b}`]
}

export function textIn(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name]
  return value === undefined || value === null ? '' : String(value)
}

export function recordIn(fields: Readonly<Record<string, unknown>>, name: string): Record<string, unknown> {
  return record.parse(fields[name] ?? {})
}

export function keyOf(vector: Vector): Record<string, unknown> {
  return record.parse(vector.key ?? {})
}

/** 10 March 2025, 09:15:02 in Viet Nam: the day of the vectors. */
export const vectorTime = new Date('2025-03-10T02:15:02Z')

export function contextAt(now: Date = vectorTime): AdapterContext {
  return { now, requestId: 'req0000000000000001', serverIp: '198.51.100.7' }
}

export function accountOf<Config>(adapter: Adapter<Config>, config: unknown): RailAccount<Config> {
  return { id: `ra_${adapter.name}`, config: adapter.accountSchema.parse(config) }
}

/** Reads a callback and compares the verdict on its proof. */
export function judged<Config>(
  adapter: Adapter<Config>,
  request: RawRequest,
  account: RailAccount<Config>,
  expected: unknown,
  now: Date = vectorTime,
): { readonly reading: CallbackReading; readonly lines: string[] } {
  const reading = adapter.readCallback(request, account, contextAt(now))
  const said = reading.kind === 'refused' ? `reject, ${reading.reason}: ${reading.detail}` : 'accept'
  return { reading, lines: said.startsWith(String(expected)) ? [] : [`${said} instead of ${String(expected)}`] }
}

/** What the gateway would make of a reading of money that was ordered just so. */
export function verdictOf(reading: CallbackReading): Verdict {
  if (reading.kind === 'refused') return { kind: 'refused', reason: reading.reason }
  return reading.kind === 'ignored' ? { kind: 'ignored' } : { kind: 'recorded', settlementId: 'stl_1' }
}

export function isPaid(reading: CallbackReading): boolean {
  return reading.kind === 'outcome' && reading.outcome.kind === 'succeeded'
}

export function jsonPost(body: unknown, path = '', headers: Record<string, string> = {}): RawRequest {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { method: 'POST', path, query: '', headers, body: Buffer.from(text, 'utf8') }
}
