/** The HTTP answers adapters give, with their exact content types. */
import type { HttpReply } from '../contract.ts'

/** `value` as compact JSON in the order its names stand. */
export function jsonReply(status: number, value: Readonly<Record<string, unknown>>): HttpReply {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(value) }
}

export function textReply(status: number, body: string): HttpReply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}
