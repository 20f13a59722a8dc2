/**
 * The HTTP server's own rules: sizes, times, strict bodies, problem+json, request ids. Routes live in one plugin per audience.
 */
import { randomUUID } from 'node:crypto'
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, LogController } from 'fastify'
import {
  hasZodFastifySchemaValidationErrors,
  isResponseSerializationError,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import { parseJsonObject } from '../../adapters/shared/json-body.ts'
import type { Metrics } from '../metrics.ts'
import { HttpCallError } from '../network/http-caller.ts'
import { Problem, problemBody, problemContentType } from '../problem/problem.ts'
import { SecretError } from '../secrets/envelope.ts'
import { SettlementQueueFullError } from '../settlement/group.ts'
import { KeyRingError } from '../signing/key-provider.ts'
import { errorCode, isCutShort, StoreUnavailableError } from '../store/database.ts'
import type { AddressLimiter } from './address-limits.ts'
import { fieldErrors } from './field-errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The body exactly as received; empty when there is none. */
    rawBody: Uint8Array
  }
}

export type ServerOptions = {
  readonly log: Logger
  readonly metrics: Metrics
  /** Addresses or ranges of proxies whose X-Forwarded-For is believed; none by default. */
  readonly trustedProxies: readonly string[]
  readonly limitAddress: AddressLimiter
}

/** Largest body of an ordinary request; routes that take more say so themselves. */
export const ordinaryBodyBytes = 256 * 1024

/** Suggested wait after a 503, in seconds. */
const comeAgainSeconds = 5

/** Of every listener. */
export const serverTimes = {
  /** A client that sends its request slower than this is cut off. */
  requestTimeoutMs: 30_000,
  connectionTimeoutMs: 60_000,
  keepAliveTimeoutMs: 65_000,
  /** How often they are looked at: Node's own 30 s would let a slow client stay twice as long. */
  checkEveryMs: 5_000,
  maxHeaderBytes: 16 * 1024,
} as const

export function createServer({ log, metrics, trustedProxies, limitAddress }: ServerOptions): FastifyInstance {
  const server = fastify({
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: ordinaryBodyBytes,
    requestTimeout: serverTimes.requestTimeoutMs,
    connectionTimeout: serverTimes.connectionTimeoutMs,
    keepAliveTimeout: serverTimes.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: 200, caseSensitive: true, ignoreTrailingSlash: false },
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    genReqId: (request) => acceptableRequestId(request.headers['x-request-id']) ?? randomUUID(),
    forceCloseConnections: 'idle',
    // Who meets a closing gateway is still answered in full, and told to come by another connection.
    return503OnClosing: false,
    http: { maxHeaderSize: serverTimes.maxHeaderBytes, connectionsCheckingInterval: serverTimes.checkEveryMs },
    // Addresses that the router cannot even look up; they pass no hook.
    frameworkErrors(error, request, reply) {
      const problem = new Problem(error.code === 'FST_ERR_BAD_URL' ? 'INVALID_REQUEST' : 'NOT_FOUND')
      reply.raw
        .writeHead(problem.status, {
          'content-type': problemContentType,
          'cache-control': 'no-store',
          'x-request-id': request.id,
        })
        .end(problemBody(problem))
    },
  })
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.decorateRequest('rawBody')
  server.decorateRequest('caller', null)

  server.addHook('onRequest', async (request, reply) => {
    request.rawBody = new Uint8Array()
    reply.header('x-request-id', request.id)
    // Answers hold names, pay links and amounts; a route whose answer may be kept says so itself.
    reply.header('cache-control', 'no-store')
  })
  server.addHook('preValidation', async (request) => {
    // No text of ours can hold a NUL; an export would fail over it when its head is already sent.
    if (request.routeOptions.schema?.querystring !== undefined && request.url.includes('%00'))
      throw new Problem('INVALID_REQUEST')
  })
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unmatched'
    metrics.httpSeconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
    // The route, never the address: pay tokens and signed queries stand in addresses.
    request.log.info(
      { method: request.method, route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    )
  })

  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    request.rawBody = bytes
    const parsed = parseJsonObject(bytes)
    if (parsed.ok) done(null, parsed.value)
    else
      done(
        new Problem('INVALID_JSON', {
          vi: `Nội dung không phải JSON hợp lệ: ${parsed.detail}`,
          en: `The body is not valid JSON: ${parsed.detail}`,
        }),
      )
  })

  server.setNotFoundHandler(async (request) => {
    await limitAddress(request, 'nowhere')
    throw new Problem('NOT_FOUND')
  })
  server.setErrorHandler((error, request, reply) => {
    const problem = asProblem(error)
    // Under overload a line each, and no stack: there are many of them, and nothing is broken.
    if (problem.code === 'OVERLOADED') request.log.warn({ code: problem.code }, 'request sent away')
    else if (problem.status >= 500) request.log.error({ err: error, code: problem.code }, 'request failed')
    else request.log.info({ code: problem.code, fields: problem.errors.map(({ field }) => field) }, 'request refused')
    return sendProblem(reply, problem)
  })
  return server
}

type ProblemReply = {
  code(status: number): ProblemReply
  header(name: string, value: string | number): ProblemReply
  send(body: string): unknown
}

export function sendProblem(reply: ProblemReply, problem: Problem): unknown {
  if (problem.status === 503 || problem.retryAfterSeconds !== undefined) {
    reply.header('retry-after', problem.retryAfterSeconds ?? comeAgainSeconds)
  }
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .code(problem.status)
    .header('content-type', problemContentType)
    .header('cache-control', 'no-store')
    .send(problemBody(problem))
}

/** PostgreSQL's codes for characters it cannot store. */
const unstorableText = new Set(['22021', '22P05'])

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof StoreUnavailableError || isCutShort(error)) return new Problem('UNAVAILABLE', { cause: error })
  // A master key that is not here yet, or whoever keeps our keys is away for a moment.
  if (error instanceof SecretError || error instanceof KeyRingError) return new Problem('UNAVAILABLE', { cause: error })
  // A NUL, which no text of ours can hold: `%00` in an address, `\u0000` in a body.
  if (unstorableText.has(errorCode(error))) return new Problem('INVALID_REQUEST', { cause: error })
  if (error instanceof SettlementQueueFullError) return new Problem('OVERLOADED', { cause: error })
  if (error instanceof HttpCallError) return new Problem('RAIL_UNAVAILABLE', { cause: error })
  if (hasZodFastifySchemaValidationErrors(error)) {
    // The only header any route asks for.
    if (error.validationContext === 'headers') return new Problem('IDEMPOTENCY_KEY_MISSING')
    return new Problem('INVALID_REQUEST', { errors: fieldErrors(error) })
  }
  if (isResponseSerializationError(error)) return new Problem('INTERNAL', { cause: error })
  const status = isFastifyError(error) ? error.statusCode : undefined
  switch (status) {
    case 413:
      return new Problem('BODY_TOO_LARGE')
    case 415:
      return new Problem('UNSUPPORTED_MEDIA_TYPE')
    case 429:
      return new Problem('RATE_LIMITED', { retryAfterSeconds: 60 })
    case 503:
      return new Problem('UNAVAILABLE', { cause: error })
    default:
      return status !== undefined && status >= 400 && status < 500
        ? new Problem('INVALID_REQUEST', { en: error instanceof Error ? error.message : 'bad request' })
        : new Problem('INTERNAL', { cause: error })
  }
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
}

/** A caller's own request id is taken over when it is plain; anything else could forge log lines. */
function acceptableRequestId(value: string | string[] | undefined): string | null {
  return typeof value === 'string' && /^[A-Za-z0-9._-]{8,64}$/.test(value) ? value : null
}
