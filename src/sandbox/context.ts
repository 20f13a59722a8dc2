/** What every simulator takes from outside itself; tests replace the clock and the timers. */
import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { Agent, request } from 'undici'
import type { CallbackAnswer, CallbackRequest } from './notifier.ts'

export type Timers = {
  /** Runs `task` once after `ms`; returns what cancels it. */
  after(ms: number, task: () => void): () => void
}

export type SandboxLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** How partners reach gateways and are reached: HTTP on this machine, or what a simulation gives instead. */
export type SandboxNetwork = {
  /** Puts a server on the network and returns its base URL. */
  listen(server: FastifyInstance, port: number): Promise<string>
  /** Sends a callback. Rejects when no answer comes in time. */
  send(request: CallbackRequest, timeoutMs: number): Promise<CallbackAnswer>
  close(): Promise<void>
}

export type SandboxContext = {
  /** Address to listen on: loopback, because nothing here is protected. */
  readonly host: string
  readonly clock: { now(): Date }
  readonly timers: Timers
  readonly random: (length: number) => Uint8Array
  readonly log: SandboxLog
  readonly network: SandboxNetwork
}

/** Real time; a waiting retry does not keep the process alive. */
export const realTimers: Timers = {
  after(ms, task) {
    const timer = setTimeout(task, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

const silent: SandboxLog = { info: () => undefined, warn: () => undefined }

const mostAnswerBytes = 64 * 1024

function loopback(host: string): SandboxNetwork {
  const dispatcher = new Agent({ connections: 32, pipelining: 1, maxResponseSize: mostAnswerBytes })
  return {
    listen: async (server, port) => (await server.listen({ host, port })).replace(/\/$/, ''),
    async send({ method, url, headers, body }, timeoutMs) {
      const answer = await request(url, {
        dispatcher,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const contentType = answer.headers['content-type']
      return {
        status: answer.statusCode,
        contentType: typeof contentType === 'string' ? contentType : '',
        body: await answer.body.text(),
        headers: Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
      }
    },
    close: () => dispatcher.destroy(),
  }
}

export function makeContext(given: Partial<SandboxContext> = {}): SandboxContext {
  return {
    host: given.host ?? '127.0.0.1',
    clock: given.clock ?? { now: () => new Date() },
    timers: given.timers ?? realTimers,
    random: given.random ?? ((length) => randomBytes(length)),
    log: given.log ?? silent,
    network: given.network ?? loopback(given.host ?? '127.0.0.1'),
  }
}

const mostKept = 10_000

/** Keeps the newest ten thousand: a simulator that runs for weeks stays small. */
export function keep<V>(kept: Map<string, V>, key: string, value: V): void {
  kept.set(key, value)
  const [oldest] = kept.keys()
  if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
}
