/** Random changes of a request, on its bytes and on its fields, none of them signed anew. */
import fc from 'fast-check'
import type { RawRequest } from '../../../adapters/contract.ts'
import { fieldsOf, messageOf, renamed, withField, withHeader, withText } from './message.ts'

/** What to do, and three numbers that say where and with what. */
export type Edit = readonly [number, number, number, number]

const pieces = [
  '0',
  '1',
  '9',
  '00',
  '000',
  '.',
  '.0',
  '-',
  '+',
  ' ',
  '%',
  '%00',
  '%20',
  '%2B',
  '&',
  '=',
  '|',
  ';',
  '"',
  '\\',
  '\\u0030',
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  '\n',
  '\u0000',
  'é',
  '\ufeff',
  'e3',
  'VND',
  'null',
  'true',
] as const // prettier-ignore

const values: readonly unknown[] = [
  '',
  '0',
  '1',
  '00',
  '01',
  '-1',
  '150000',
  '15000000',
  '1500000',
  '0150000',
  '150000.00',
  '1e5',
  ' ',
  'null',
  'undefined',
  'true',
  'VND',
  'USD',
  'C',
  'D',
  'in',
  'out',
  'SUCCESS',
  'APPROVED',
  'pay',
  'refund',
  'REFUND',
  '1100',
  "x' OR '1'='1",
  'A'.repeat(300),
  '\u0000',
  '\ud83d\ude00',
  0,
  1,
  -1,
  150000,
  15000000,
  1.5,
  1e21,
  true,
  false,
  null,
  [],
  {},
  ['150000'],
  { amount: 1 },
] // prettier-ignore

/** `donor` is another true callback of the same rail and account: its parts are genuine, only in the wrong place. */
type Operation = (request: RawRequest, [a, b, c]: readonly [number, number, number], donor: RawRequest) => RawRequest

const textOperations: readonly Operation[] = [
  (request, [a, b]) => bytes(request, (buffer) => flip(buffer, a, b)),
  (request, [a, b]) => bytes(request, (buffer) => spliced(buffer, a, 1, Buffer.from([0x20 + (b % 95)]))),
  (request, [a, b]) => bytes(request, (buffer) => spliced(buffer, a, 1 + (b % 12), Buffer.alloc(0))),
  (request, [a, b]) => bytes(request, (buffer) => spliced(buffer, a, 0, Buffer.from(pieces[b % pieces.length] ?? ''))),
  (request, [a, b, c]) =>
    bytes(request, (buffer) =>
      spliced(buffer, a, 0, buffer.subarray(b % (buffer.length + 1), (b % (buffer.length + 1)) + 1 + (c % 40))),
    ),
  (request, [a]) =>
    text(request, (from) =>
      changedAt(from, /[A-Za-z]/g, a, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase())),
    ),
  (request, [a, b]) =>
    text(request, (from) => changedAt(from, /\d/g, a, (digit) => String((Number(digit) + 1 + (b % 9)) % 10))),
  (request, [a, b], donor) =>
    text(
      request,
      (from) =>
        from.slice(0, a % (from.length + 1)) + messageOf(donor).text.slice(b % (messageOf(donor).text.length + 1)),
    ),
]

const fieldOperations: readonly Operation[] = [
  (request, [a, b]) => field(request, a, (name) => withField(request, name, values[b % values.length])),
  (request, [a]) => field(request, a, (name) => withField(request, name, undefined)),
  (request, [a, b]) =>
    field(request, a, (name) =>
      renamed(request, name, [name.toUpperCase(), name.toLowerCase(), `${name}2`, 'amount'][b % 4] ?? name),
    ),
  (request, [a, b]) =>
    field(request, a, (name, value) =>
      field(request, b, (other, second) => withField(withField(request, name, second), other, value)),
    ),
  (request, [a, b]) =>
    field(request, a, (left, first) =>
      field(request, a + 1, (right, second) =>
        moved(request, [left, String(first ?? '')], [right, String(second ?? '')], b),
      ),
    ),
  (request, [a], donor) =>
    field(request, a, (name) => withField(request, name, new Map(fieldsOf(messageOf(donor))).get(name))),
  (request, [a, b]) =>
    text(request, (from) =>
      from.startsWith('{')
        ? from.replace('{', `{${JSON.stringify(nameAt(request, a))}:${JSON.stringify(values[b % values.length])},`)
        : `${nameAt(request, a)}=${encodeURIComponent(String(values[b % values.length]))}&${from}`,
    ),
  (request, [a, b]) => withField(request, `added${a % 3}`, values[b % values.length]),
  (request, [a]) =>
    text(request, (from) =>
      from.startsWith('{')
        ? JSON.stringify(Object.fromEntries(shuffled(Object.entries(JSON.parse(from)), a)))
        : shuffled(from.split('&'), a).join('&'),
    ),
]

const doorOperations: readonly Operation[] = [
  (request, [a, b, c]) =>
    header(request, a, (value) => changedAt(value, /[\s\S]/g, b, () => pieces[c % pieces.length] ?? '')),
  (request, [a], donor) => header(request, a, (_value, name) => donor.headers[name] ?? ''),
  (request, [a, b]) => ({
    ...request,
    path: request.path.slice(0, a % (request.path.length + 1)) + (b % 2 === 0 ? '' : '/x'),
  }),
  (request, [a]) => ({ ...request, query: `${request.query}${['', '&', '&x=1', '&amount=1'][a % 4]}` }),
]

/** Most edits change fields and bytes; some the door the request comes through. */
const operations = [...textOperations, ...fieldOperations, ...fieldOperations, ...doorOperations]

// Without bias to small numbers: each number says where in a message, and the beginning is no better place than the end.
export const edits: fc.Arbitrary<Edit[]> = fc.noBias(
  fc.array(fc.tuple(fc.nat(operations.length - 1), fc.nat(0xffff), fc.nat(0xffff), fc.nat(0xffff)), {
    minLength: 1,
    maxLength: 3,
  }),
)

/** `request` after the edits. One that no longer has what an edit needs stays as it is. */
export function mutated(request: RawRequest, made: readonly Edit[], donor: RawRequest): RawRequest {
  return made.reduce((changed, [operation, a, b, c]) => {
    try {
      return operations[operation]?.(changed, [a, b, c], donor) ?? changed
    } catch (error) {
      // An earlier edit broke the text that this one would read.
      if (error instanceof SyntaxError || error instanceof URIError) return changed
      throw error
    }
  }, request)
}

function bytes(request: RawRequest, change: (buffer: Buffer) => Buffer): RawRequest {
  return request.body.byteLength > 0
    ? { ...request, body: change(Buffer.from(request.body)) }
    : { ...request, query: change(Buffer.from(request.query, 'latin1')).toString('latin1') }
}

function text(request: RawRequest, change: (text: string) => string): RawRequest {
  return withText(request, change(messageOf(request).text))
}

function nameAt(request: RawRequest, index: number): string {
  const fields = fieldsOf(messageOf(request))
  return fields[index % Math.max(fields.length, 1)]?.[0] ?? 'x'
}

function field(request: RawRequest, index: number, change: (name: string, value: unknown) => RawRequest): RawRequest {
  const fields = fieldsOf(messageOf(request))
  const chosen = fields[index % Math.max(fields.length, 1)]
  return chosen === undefined ? request : change(chosen[0], chosen[1])
}

function header(request: RawRequest, index: number, change: (value: string, name: string) => string): RawRequest {
  const names = Object.keys(request.headers)
  const name = names[index % Math.max(names.length, 1)]
  return name === undefined ? request : withHeader(request, name, change(request.headers[name] ?? '', name))
}

function flip(buffer: Buffer, at: number, bit: number): Buffer {
  const index = at % Math.max(buffer.length, 1)
  const flipped = Buffer.from(buffer)
  if (buffer.length > 0) flipped[index] = (flipped[index] ?? 0) ^ (1 << (bit % 8))
  return flipped
}

function spliced(buffer: Buffer, at: number, remove: number, insert: Buffer): Buffer {
  const from = at % (buffer.length + 1)
  return Buffer.concat([buffer.subarray(0, from), insert, buffer.subarray(from + remove)])
}

function changedAt(from: string, pattern: RegExp, index: number, change: (found: string) => string): string {
  const found = [...from.matchAll(pattern)]
  const chosen = found[index % Math.max(found.length, 1)]
  if (chosen === undefined) return from
  return from.slice(0, chosen.index) + change(chosen[0]) + from.slice(chosen.index + chosen[0].length)
}

function moved(
  request: RawRequest,
  [left, first]: [string, string],
  [right, second]: [string, string],
  cut: number,
): RawRequest {
  const whole = first + second
  const at = cut % (whole.length + 1)
  return withField(withField(request, left, whole.slice(0, at)), right, whole.slice(at))
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  return items.toSorted((a, b) => ((items.indexOf(a) * 7919 + seed) % 101) - ((items.indexOf(b) * 7919 + seed) % 101))
}
