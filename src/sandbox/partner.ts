/** The HTTP side that all simulators share: raw bodies, the switches of `behaviour.ts`, and a page that shows what happened. */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Behaviour, goodBehaviour, type Misbehaviour, switchTexts } from './behaviour.ts'
import type { SandboxContext } from './context.ts'
import type { Callback, Notifier } from './notifier.ts'
import { both, document, type Html, html, table } from './page.ts'

const bodyBytes = 256 * 1024
const requestMs = 30_000

/** A server that hands bodies over as bytes and misbehaves on every path but `/` and `/sandbox/…`. */
export function createPartnerServer(behaviour: Behaviour, { timers }: SandboxContext): FastifyInstance {
  const server = Fastify({
    bodyLimit: bodyBytes,
    requestTimeout: requestMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  })
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  server.addHook('onRequest', async (request, reply) => {
    reply.header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    )
    reply.header('cache-control', 'no-store')
    if (behaviour.current.answer500 && isProtocol(request))
      await reply.code(500).type('text/plain').send('Internal Server Error')
  })
  server.addHook('onSend', async (request, reply, payload) => {
    if (!isProtocol(request)) return payload
    const { slowMs, timeoutAfterEffect } = behaviour.current
    const gone = new Promise<void>((resolve) => reply.raw.once('close', resolve))
    if (timeoutAfterEffect) await gone
    else if (slowMs > 0) await Promise.race([gone, new Promise<void>((resolve) => timers.after(slowMs, resolve))])
    return payload
  })
  return server
}

function isProtocol(request: FastifyRequest): boolean {
  return request.url !== '/' && !request.url.startsWith('/sandbox/')
}

/** Starts listening; port 0 takes a free one. Returns the base URL. */
export function listen(server: FastifyInstance, { network }: SandboxContext, port: number): Promise<string> {
  return network.listen(server, port)
}

export function textOf(request: FastifyRequest): string {
  return Buffer.isBuffer(request.body) ? request.body.toString('utf8') : ''
}

export function formOf(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(textOf(request))
}

/** The fields of a JSON object; null for anything else. Partners read leniently what is not signed and strictly what is. */
export function jsonOf(request: FastifyRequest): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(textOf(request))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : null
  } catch {
    // Not JSON: the caller answers with its rail's own refusal.
    return null
  }
}

/** A query or form as its fields; null when a name stands twice. */
export function uniqueFields(text: string): Record<string, string> | null {
  const pairs = [...new URLSearchParams(text)]
  return new Set(pairs.map(([name]) => name)).size === pairs.length ? Object.fromEntries(pairs) : null
}

export function sendPage(
  reply: FastifyReply,
  titleVi: string,
  titleEn: string,
  body: Html,
  status = 200,
): FastifyReply {
  return reply
    .code(status)
    .type('text/html; charset=utf-8')
    .send(document(titleVi, titleEn, body))
}

export type ConsoleOptions = {
  readonly titleVi: string
  readonly titleEn: string
  readonly behaviour: Behaviour
  readonly notifier?: Notifier
  /** What a gateway must be told to speak with this partner; shown as JSON. */
  readonly config: () => unknown
  readonly transactions: () => readonly Readonly<Record<string, string>>[]
  readonly extra?: () => Html
}

/** The partner's own page at `/`: configuration, transactions, callbacks with their acknowledgements, switches. */
export function registerConsole(server: FastifyInstance, options: ConsoleOptions): void {
  const { titleVi, titleEn, behaviour, notifier } = options
  server.get('/', (_request, reply) =>
    sendPage(
      reply,
      titleVi,
      titleEn,
      html`${options.extra?.() ?? html``}
<h2>${both('Giao dịch', 'Transactions')}</h2>${table(options.transactions().slice(-100).reverse())}
${notifier === undefined ? html`` : callbacksOf(notifier)}
<h2>${both('Cấu hình cho cổng', 'Configuration for a gateway')}</h2><pre>${JSON.stringify(options.config(), null, 2)}</pre>
<h2>${both('Gây lỗi', 'Misbehave')}</h2>${switches(behaviour.current)}`,
    ),
  )
  server.post('/sandbox/misbehave', async (request, reply) => {
    behaviour.misbehave(misbehaviourOf(formOf(request)))
    return reply.redirect('/', 303)
  })
  server.post('/sandbox/retry', async (_request, reply) => {
    await notifier?.release()
    await notifier?.retryNow()
    return reply.redirect('/', 303)
  })
}

function callbacksOf({ callbacks }: Notifier): Html {
  return html`<h2>${both('Gọi lại', 'Callbacks')}</h2>${table(callbacks.slice(-50).reverse().flatMap(rowsOf))}
<form method="post" action="/sandbox/retry"><button>${both('Gọi lại ngay', 'Call again now')}</button></form>`
}

function rowsOf(callback: Callback): Record<string, string>[] {
  const { about, label, state } = callback
  const empty = { about, label, state, attempt: '', status: '', body: '', expected: '', meaning: '', next: '' }
  const rows = callback.acknowledgements.map((given) => ({
    ...empty,
    attempt: String(given.attempt),
    status: given.status === null ? '—' : String(given.status),
    body: given.body.slice(0, 300),
    expected: given.asExpected ? '✓' : '✗',
    meaning: given.meaning,
    next: given.next,
  }))
  return rows.length > 0 ? rows : [empty]
}

function switches(current: Misbehaviour): Html {
  const field = (name: keyof Misbehaviour): Html => {
    const label = both(...switchTexts[name])
    const value = current[name]
    return typeof value === 'number'
      ? html`<label>${label} <input type="number" name="${name}" value="${value}"></label>`
      : html`<label class="switch"><input type="checkbox" name="${name}"${value ? html` checked` : html``}> <span>${label}</span></label>`
  }
  return html`<form method="post" action="/sandbox/misbehave">${switchNames.map(field)}<button>${both('Áp dụng', 'Apply')}</button></form>`
}

const switchNames: readonly (keyof Misbehaviour)[] = [
  'answer500',
  'timeoutAfterEffect',
  'callbacksLost',
  'duplicate',
  'outOfOrder',
  'wrongAmount',
  'badSignature',
  'slowMs',
  'clockSkewMs',
]

function misbehaviourOf(form: URLSearchParams): Misbehaviour {
  const integer = (name: keyof Misbehaviour): number => {
    const value = Number(form.get(name))
    return Number.isSafeInteger(value) ? value : Number(goodBehaviour[name])
  }
  const on = (name: keyof Misbehaviour): boolean => form.has(name)
  return {
    slowMs: Math.max(0, integer('slowMs')),
    clockSkewMs: integer('clockSkewMs'),
    answer500: on('answer500'),
    timeoutAfterEffect: on('timeoutAfterEffect'),
    callbacksLost: on('callbacksLost'),
    duplicate: on('duplicate'),
    outOfOrder: on('outOfOrder'),
    wrongAmount: on('wrongAmount'),
    badSignature: on('badSignature'),
  }
}
