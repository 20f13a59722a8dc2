/**
 * A dossier system that is told of payments. It believes nothing that is not signed twice: by the shared secret
 * (Standard Webhooks) and by the gateway's own key (JWS beside the body). The same event twice changes nothing twice.
 */
import { compactVerify, createRemoteJWKSet } from 'jose'
import { type Behaviour, createBehaviour } from './behaviour.ts'
import type { SandboxContext } from './context.ts'
import { both, html } from './page.ts'
import { createPartnerServer, formOf, jsonOf, listen, registerConsole } from './partner.ts'
import { webhookFault } from './standard-webhooks.ts'

export type ReceivedEvent = {
  readonly id: string
  readonly type: string
  /** Deliveries that came, the first and all repetitions. */
  times: number
  /** Signed by secret and by key. What is not verified is kept as evidence and changes no dossier. */
  readonly verified: boolean
  /** Why it was not believed. */
  readonly fault: string | null
  readonly firstAt: Date
  readonly dossierCode: string | null
  readonly event: Readonly<Record<string, unknown>> | null
}

export type DossierStatus = {
  readonly status: 'PAID' | 'UNPAID'
  /** The first event that said so. */
  readonly byEvent: string
  /** Of the newest paid invoice, VND. */
  readonly amount: number | null
  /** Ids of `invoice.paid` events by invoice: one each, however often it was delivered. */
  readonly paidBy: ReadonlyMap<string, readonly string[]>
}

export type DossierFailure = '500' | 'slow' | 'down' | 'redirect'

export type DossierOptions = { readonly port?: number; readonly slowMs?: number }

export type DossierSystem = {
  readonly baseUrl: string
  readonly webhookUrl: string
  /** Shared secret `whsec_…`, given when the address is registered at the gateway. */
  secret: string | null
  /** Where the gateway publishes its keys. */
  jwksUrl: string | null
  readonly received: readonly ReceivedEvent[]
  readonly dossiers: ReadonlyMap<string, DossierStatus>
  readonly behaviour: Behaviour
  /** Fails the next `deliveries` so, after those it was told to fail before; what came in them is not taken. */
  fail(how: DossierFailure, deliveries: number): void
  /** Resolves once `count` different verified events are in; rejects after `withinMs`. */
  until(count: number, withinMs?: number): Promise<void>
  close(): Promise<void>
}

const mostKept = 10_000

export async function startDossier(context: SandboxContext, options: DossierOptions = {}): Promise<DossierSystem> {
  const { clock, timers } = context
  const behaviour = createBehaviour()
  const received: ReceivedEvent[] = []
  const dossiers = new Map<string, DossierStatus>()
  const waiting = new Set<() => void>()
  const failures: DossierFailure[] = []
  let keys: { url: string; find: ReturnType<typeof createRemoteJWKSet> } | null = null

  /** The keys at `url`, fetched when first needed and again when a signature names one that is not among them. */
  function keysAt(url: string): ReturnType<typeof createRemoteJWKSet> {
    if (keys?.url !== url)
      keys = { url, find: createRemoteJWKSet(new URL(url), { cooldownDuration: 1_000, timeoutDuration: 3_000 }) }
    return keys.find
  }

  /** Null when the JWS signs exactly this body. RFC 7515 appendix F: the payload travels beside the signature, not in it. */
  async function jwsFault(jws: string | undefined, body: Buffer): Promise<string | null> {
    if (system.jwksUrl === null) return 'the keys of the gateway are not known'
    const [header, payload, signature, ...rest] = (jws ?? '').split('.')
    if (signature === undefined || rest.length > 0) return 'feegate-event-jws is missing or no compact JWS'
    if (payload !== '') return 'the JWS is not detached'
    try {
      const signed = `${header}.${body.toString('base64url')}.${signature}`
      const { protectedHeader } = await compactVerify(signed, keysAt(system.jwksUrl), {
        algorithms: ['ES256', 'EdDSA', 'PS256'],
      })
      return protectedHeader.typ === 'feegate-event+jws' ? null : `the JWS is a ${String(protectedHeader.typ)}`
    } catch (error) {
      return `JWS: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  function take(seen: Omit<ReceivedEvent, 'times' | 'firstAt'>): void {
    const known = received.find(
      ({ id, verified, fault }) => id === seen.id && verified === seen.verified && fault === seen.fault,
    )
    if (known !== undefined) known.times += 1
    else {
      received.push({ ...seen, times: 1, firstAt: clock.now() })
      if (received.length > mostKept) received.shift()
      if (seen.verified) apply(dossiers, seen)
    }
    for (const wake of waiting) wake()
  }

  const server = createPartnerServer(behaviour, context)
  server.post('/webhooks', async (request, reply) => {
    switch (failures.shift()) {
      case '500':
        return await reply.code(500).send('Internal Server Error')
      case 'redirect':
        return await reply.redirect(`${baseUrl}/elsewhere`, 302)
      case 'down':
        request.raw.socket.destroy()
        return reply.hijack()
      case 'slow':
        await new Promise<void>((resolve) => timers.after(options.slowMs ?? 60_000, resolve))
        return await reply.code(503).send('Too late')
      case undefined:
    }
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const headers: Record<string, string | undefined> = {}
    for (const [name, value] of Object.entries(request.headers))
      headers[name] = Array.isArray(value) ? value.join(', ') : value
    const now = new Date(clock.now().getTime() + behaviour.current.clockSkewMs)
    const event = jsonOf(request)
    const id = headers['webhook-id'] ?? ''
    const fault =
      (system.secret === null ? 'no secret is set' : webhookFault(headers, body, system.secret, now)) ??
      (await jwsFault(headers['feegate-event-jws'], body)) ??
      (event === null || event.id !== id ? 'webhook-id is not the id of the event' : null)
    take({
      id,
      type: typeof event?.type === 'string' ? event.type : '',
      verified: fault === null,
      fault,
      dossierCode: textAt(event, 'data', 'invoice', 'dossierCode'),
      event,
    })
    return await reply.code(fault === null ? 204 : 401).send()
  })
  server.post('/sandbox/secret', async (request, reply) => {
    system.secret = formOf(request).get('secret')?.trim() || null
    return reply.redirect('/', 303)
  })
  registerConsole(server, {
    titleVi: 'Hệ thống một cửa (giả lập)',
    titleEn: 'Dossier system (simulated)',
    behaviour,
    config: () => ({ webhookUrl: system.webhookUrl, secret: system.secret, jwksUrl: system.jwksUrl }),
    transactions: () =>
      received.map(({ id, type, times, verified, fault, dossierCode }) => ({
        dossier: dossierCode ?? '',
        status: dossiers.get(dossierCode ?? '')?.status ?? '',
        type,
        id,
        times: String(times),
        verified: verified ? '✓' : (fault ?? '✗'),
      })),
    extra: () => html`<form method="post" action="/sandbox/secret">
<label>${both('Khoá bí mật của webhook (whsec_…)', 'Secret of the webhook (whsec_…)')} <input name="secret" required value="${system.secret ?? ''}"></label>
<button>${both('Dùng khoá này', 'Use this secret')}</button></form>`,
  })
  const baseUrl = await listen(server, context, options.port ?? 0)

  const system: DossierSystem = {
    baseUrl,
    webhookUrl: `${baseUrl}/webhooks`,
    secret: null,
    jwksUrl: null,
    received,
    dossiers,
    behaviour,
    fail(how, deliveries) {
      for (let delivery = 0; delivery < deliveries; delivery++) failures.push(how)
    },
    until(count, withinMs = 10_000) {
      const isThere = (): boolean => received.filter(({ verified }) => verified).length >= count
      return new Promise((resolve, reject) => {
        const stop = (): void => {
          waiting.delete(wake)
          clearTimeout(timer)
        }
        const wake = (): void => {
          if (!isThere()) return
          stop()
          resolve()
        }
        const timer = setTimeout(() => {
          stop()
          reject(new Error(`${received.length} of ${count} events after ${withinMs} ms`))
        }, withinMs)
        waiting.add(wake)
        wake()
      })
    },
    close: () => server.close(),
  }
  return system
}

/** Paid stays paid. */
function apply(
  dossiers: Map<string, DossierStatus>,
  { id, type, dossierCode, event }: Pick<ReceivedEvent, 'id' | 'type' | 'dossierCode' | 'event'>,
): void {
  if (dossierCode === null) return
  const before = dossiers.get(dossierCode) ?? { status: 'UNPAID', byEvent: id, amount: null, paidBy: new Map() }
  if (type !== 'invoice.paid') {
    dossiers.set(dossierCode, before)
    return
  }
  const invoiceId = textAt(event, 'data', 'invoice', 'id') ?? ''
  const amount = at(event, 'data', 'invoice', 'total')
  dossiers.set(dossierCode, {
    status: 'PAID',
    byEvent: before.status === 'PAID' ? before.byEvent : id,
    amount: typeof amount === 'number' ? amount : null,
    paidBy: new Map([...before.paidBy, [invoiceId, [...(before.paidBy.get(invoiceId) ?? []), id]]]),
  })
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found: unknown = value
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = Object.entries(found).find(([key]) => key === name)?.[1]
  }
  return found
}

function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : null
}
