/** A request's fields as a lenient reader takes them, and the request written anew with other fields. */
import { isObject, objectIn } from '../../../adapters/conformance.ts'
import type { RawRequest } from '../../../adapters/contract.ts'

export type Pair = readonly [string, string]

export type Message =
  | { readonly kind: 'pairs'; readonly text: string; readonly pairs: readonly Pair[] }
  | { readonly kind: 'json'; readonly text: string; readonly value: Readonly<Record<string, unknown>> }

/** Read once: requests never change, and every edit asks for their fields again. */
const known = new WeakMap<RawRequest, Message>()

export function messageOf(request: RawRequest): Message {
  const message = known.get(request) ?? readMessage(request)
  known.set(request, message)
  return message
}

function readMessage(request: RawRequest): Message {
  const body = Buffer.from(request.body).toString('utf8')
  if (body.startsWith('{')) return { kind: 'json', text: body, value: objectIn(body) }
  const text = body === '' ? request.query : body
  return { kind: 'pairs', text, pairs: [...new URLSearchParams(text)] }
}

/** `request` with another text where its fields stand. */
export function withText(request: RawRequest, text: string): RawRequest {
  return request.body.byteLength > 0 ? { ...request, body: Buffer.from(text, 'utf8') } : { ...request, query: text }
}

export function withPairs(request: RawRequest, pairs: readonly Pair[]): RawRequest {
  return withText(request, String(new URLSearchParams(pairs.map(([name, value]) => [name, value]))))
}

export function withValue(request: RawRequest, value: unknown): RawRequest {
  return withText(request, JSON.stringify(value))
}

export function withHeader(request: RawRequest, name: string, value: string | undefined): RawRequest {
  const { [name]: _old, ...headers } = request.headers
  return { ...request, headers: value === undefined ? headers : { ...headers, [name]: value } }
}

/** Every field with its value; names inside objects are joined by dots. */
export function fieldsOf(message: Message): [string, unknown][] {
  return message.kind === 'pairs' ? message.pairs.map(([name, value]) => [name, value]) : leavesOf(message.value, '')
}

function leavesOf(value: Readonly<Record<string, unknown>>, path: string): [string, unknown][] {
  return Object.entries(value).flatMap(([name, part]): [string, unknown][] =>
    isObject(part) ? leavesOf(part, `${path}${name}.`) : [[path + name, part]],
  )
}

/** `request` with one field set; left out when `value` is undefined. */
export function withField(request: RawRequest, name: string, value: unknown): RawRequest {
  const message = messageOf(request)
  if (message.kind === 'json') return withValue(request, setIn(message.value, name.split('.'), value))
  const known = message.pairs.some(([other]) => other === name)
  const pairs = message.pairs.flatMap((pair): Pair[] =>
    pair[0] !== name ? [pair] : value === undefined ? [] : [[name, String(value)]],
  )
  return withPairs(request, known || value === undefined ? pairs : [...pairs, [name, String(value)]])
}

function setIn(
  object: Readonly<Record<string, unknown>>,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): Record<string, unknown> {
  if (rest.length === 0 && value === undefined) {
    const { [name]: _removed, ...others } = object
    return others
  }
  const inner = object[name]
  return { ...object, [name]: rest.length === 0 ? value : setIn(isObject(inner) ? inner : {}, rest, value) }
}

/** `request` with one field under another name, at its place. */
export function renamed(request: RawRequest, name: string, newName: string): RawRequest {
  const message = messageOf(request)
  if (message.kind === 'pairs')
    return withPairs(
      request,
      message.pairs.map(([other, value]) => [other === name ? newName : other, value]),
    )
  return withValue(request, renameIn(message.value, name.split('.'), newName))
}

function renameIn(
  object: Readonly<Record<string, unknown>>,
  [name = '', ...rest]: readonly string[],
  newName: string,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([other, value]) => {
      if (other !== name) return [other, value]
      if (rest.length === 0) return [newName, value]
      return [other, isObject(value) ? renameIn(value, rest, newName) : value]
    }),
  )
}

/** Names of the fields that differ between two requests, as a lenient reader sees them. */
export function changedNames(before: RawRequest, after: RawRequest): Set<string> {
  const old = new Map(fieldsOf(messageOf(before)))
  const young = new Map(fieldsOf(messageOf(after)))
  return new Set([...old.keys(), ...young.keys()].filter((name) => old.get(name) !== young.get(name)))
}
