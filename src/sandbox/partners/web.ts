/** What every partner simulator shares: a server on loopback, a plain page, switches to misbehave. Nothing of the gateway. */
import fastify, { type FastifyInstance } from 'fastify'

export type PartnerLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export type PartnerOptions = {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly now: () => Date
  readonly log: PartnerLog
}

/** A part that can be told to behave as badly as real partners do. */
export type Misbehaviour = {
  /** Answers this much later. */
  readonly slowMs?: number
  /** Answers 500 and does nothing. */
  readonly status500?: boolean
  /** Does everything and then cuts the connection: the caller times out after the effect. */
  readonly dropAfterEffect?: boolean
}

export type Partner = { readonly baseUrl: string; close(): Promise<void> }

export function createPartner(): FastifyInstance {
  const server = fastify({ bodyLimit: 256 * 1024, forceCloseConnections: true })
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))))
  })
  return server
}

/** Makes the POST services under `prefix` obey the switch; pages for people stay well-behaved. */
export function disturb(server: FastifyInstance, prefix: string, current: () => Misbehaviour): void {
  server.addHook('preHandler', async (request, reply) => {
    if (!request.url.startsWith(prefix)) return
    const { slowMs, status500 } = current()
    if (slowMs !== undefined) await wait(slowMs)
    if (status500 === true) await reply.code(500).send()
  })
  server.addHook('onSend', async (request, reply, payload) => {
    if (request.url.startsWith(prefix) && reply.statusCode !== 500 && current().dropAfterEffect === true)
      request.raw.socket.destroy()
    return payload
  })
}

export async function listen(server: FastifyInstance, host: string, port: number): Promise<string> {
  return (await server.listen({ host, port })).replace(/\/$/, '')
}

/** Replaces the JSON parser by one that hands over the raw text: signatures are about bytes. */
export function takeRawBodies(server: FastifyInstance): void {
  server.removeContentTypeParser('application/json')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) =>
    done(null, String(body)),
  )
}

/** The fields of a JSON object; none for anything else. */
export function fieldsOf(value: unknown): Map<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A plain page for phones; `body` is markup, its variable parts escaped by the caller. */
export function page(title: string, body: string): string {
  return `<!doctype html><html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:1rem;color:#1b2733;background:#fff8ec}h1{font-size:1.3rem}button,input,textarea{font:inherit;display:block;width:100%;box-sizing:border-box;padding:.7rem;margin:.4rem 0;border-radius:.5rem;border:1px solid #8494a5}button{background:#7a4300;color:#fff;border:0}table{width:100%;border-collapse:collapse}td,th{text-align:left;padding:.3rem;border-bottom:1px solid #e2d6bf;overflow-wrap:anywhere}code{overflow-wrap:anywhere}.note{color:#7a4300}</style></head>
<body><p class="note">SANDBOX · mô phỏng đối tác, không có tiền thật / partner simulator, no real money</p><h1>${escapeHtml(title)}</h1>${body}</body></html>`
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** `yyyyMMddHHmmss` in Vietnam. */
export function localStamp(at: Date): string {
  return new Date(at.getTime() + 7 * 3_600_000).toISOString().replace(/[-:T]/g, '').slice(0, 14)
}
