import { Agent, request } from 'undici'
import type { HttpAnswer, HttpCall } from '../../adapters/contract.ts'

/** Makes the calls that adapters describe. Injected, so that a simulation can stand in for the network. */
export type HttpCaller = (call: HttpCall) => Promise<HttpAnswer>

/** The call gave no readable answer: timed out, refused, reset, too large. Whether it had an effect is not known. */
export class HttpCallError extends Error {
  readonly code = 'HTTP_CALL_FAILED'
  /** True when no byte of the request can have reached the other side. */
  readonly neverSent: boolean

  constructor(message: string, options: { neverSent: boolean; cause: unknown }) {
    super(message, { cause: options.cause })
    this.neverSent = options.neverSent
  }
}

const maxAnswerBytes = 1024 * 1024
const maxLongAnswerBytes = 64 * 1024 * 1024
const neverSentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** A caller over undici: no redirects, one time limit from connect to last byte, answers up to 1 MiB (64 where the call says so). */
export function createHttpCaller(): { call: HttpCaller; close(): Promise<void> } {
  const connections = { connect: { timeout: 5_000 }, pipelining: 1 }
  const short = new Agent({ ...connections, connections: 64, maxResponseSize: maxAnswerBytes })
  const long = new Agent({ ...connections, connections: 2, maxResponseSize: maxLongAnswerBytes })
  return {
    async call({ method, url, headers, body, timeoutMs, longAnswer = false }) {
      try {
        const answer = await request(url, {
          dispatcher: longAnswer ? long : short,
          method,
          headers,
          ...(body === undefined ? {} : { body }),
          signal: AbortSignal.timeout(timeoutMs),
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        })
        const bytes = new Uint8Array(await answer.body.arrayBuffer())
        const flat: Record<string, string> = {}
        for (const [name, value] of Object.entries(answer.headers)) {
          if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
        }
        return { status: answer.statusCode, headers: flat, body: bytes }
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : ''
        throw new HttpCallError(
          `no answer from ${new URL(url).host}: ${error instanceof Error ? error.message : String(error)}`,
          {
            neverSent: neverSentCodes.has(code),
            cause: error,
          },
        )
      }
    },
    async close() {
      await Promise.all([short.close(), long.close()])
    },
  }
}
