/** A dossier system: takes FeeGate's webhooks, believes none that it has not verified twice, and marks its dossiers paid once. */
import { type EventKeys, eventJwsFault, eventKeysAt, webhookFault } from './verify-delivery.ts'
import {
  createPartner,
  escapeHtml,
  fieldsOf,
  listen,
  type Partner,
  type PartnerOptions,
  page,
  takeRawBodies,
  wait,
} from './web.ts'

export type ReceivedEvent = {
  readonly eventId: string
  readonly type: string
  readonly dossierCode: string
  /** Deliveries that came: the first and all repetitions. */
  attempts: number
  /** Always true: what is not verified twice is counted in `refused` and not kept as an event. */
  readonly verified: boolean
  readonly at: Date
  readonly body: string
}
/** `slow` answers after 15 s and takes the event all the same; the others take nothing. */
export type Failure = 500 | 'slow' | 'redirect' | 'drop'

export type DossierSandbox = Partner & {
  readonly webhookUrl: string
  secret: string
  jwksUrl: string
  readonly received: readonly ReceivedEvent[]
  /** The event that marked the dossier paid. */
  paid(dossierCode: string): string | null
  /** What arrived and was not genuine, and why the last of it was not believed. */
  readonly refused: number
  readonly lastFault: string | null
  /** Fails the next deliveries so. */
  failNext(times: number, how: Failure): void
}

const slowMs = 15_000

export async function startDossier({ host, port, now, log }: PartnerOptions): Promise<DossierSandbox> {
  const received: ReceivedEvent[] = []
  const paidBy = new Map<string, string>()
  const failures: Failure[] = []
  let refused = 0
  let lastFault: string | null = null
  let keys: { url: string; find: EventKeys } | null = null
  const server = createPartner()
  takeRawBodies(server)

  function refuse(fault: string): void {
    refused += 1
    lastFault = fault
    log.warn({ fault }, 'delivery refused')
  }

  async function faultOf(header: (name: string) => string, body: string): Promise<string | null> {
    const fault = webhookFault(header, body, dossier.secret, now())
    if (fault !== null) return fault
    if (dossier.jwksUrl === '') return 'the keys of the gateway are not known'
    if (keys?.url !== dossier.jwksUrl) keys = { url: dossier.jwksUrl, find: eventKeysAt(dossier.jwksUrl) }
    return await eventJwsFault(header('feegate-event-jws'), body, keys.find)
  }

  function take(body: string): void {
    const event = fieldsOf(JSON.parse(body))
    const invoice = fieldsOf(fieldsOf(event.get('data')).get('invoice'))
    const [eventId, type] = [String(event.get('id')), String(event.get('type'))]
    const known = received.find((earlier) => earlier.eventId === eventId)
    if (known !== undefined) {
      // The same event again: said yes to, done nothing.
      known.attempts += 1
      return
    }
    const dossierCode = String(invoice.get('dossierCode') ?? '')
    received.push({ eventId, type, dossierCode, attempts: 1, verified: true, at: now(), body })
    if (type === 'invoice.paid' && !paidBy.has(dossierCode)) paidBy.set(dossierCode, eventId)
  }

  server.post('/webhooks', async (request, reply) => {
    switch (failures.shift()) {
      case 500:
        return await reply.code(500).send()
      case 'redirect':
        return await reply.redirect('http://127.0.0.1:9/', 302)
      case 'drop':
        request.raw.socket.destroy()
        return reply.hijack()
      case 'slow':
        await wait(slowMs)
    }
    const body = String(request.body)
    const fault = await faultOf((name) => String(request.headers[name] ?? ''), body)
    if (fault !== null) {
      refuse(fault)
      return await reply.code(401).send()
    }
    take(body)
    return await reply.code(200).send()
  })

  server.get('/', (_request, reply) => {
    const rows = [...received]
      .reverse()
      .map(
        (event) =>
          `<tr><td>${event.at.toISOString().slice(11, 19)}</td><td>${escapeHtml(event.type)}</td><td>${escapeHtml(event.dossierCode)}</td><td>${event.attempts}</td></tr>`,
      )
    const summary = `<p>${paidBy.size} hồ sơ đã nộp phí / dossiers paid · ${refused} bị từ chối / refused</p>`
    const table = `<table><tr><th>Lúc / At (UTC)</th><th>Sự kiện / Event</th><th>Hồ sơ / Dossier</th><th>Lần / Times</th></tr>${rows.join('')}</table>`
    return reply.type('text/html; charset=utf-8').send(page('Hệ thống một cửa / Dossier system', summary + table))
  })

  const baseUrl = await listen(server, host, port)
  const dossier: DossierSandbox = {
    baseUrl,
    webhookUrl: `${baseUrl}/webhooks`,
    secret: '',
    jwksUrl: '',
    received,
    get refused() {
      return refused
    },
    get lastFault() {
      return lastFault
    },
    paid: (dossierCode) => paidBy.get(dossierCode) ?? null,
    failNext(times, how) {
      for (let index = 0; index < times; index++) failures.push(how)
    },
    close: () => server.close(),
  }
  return dossier
}
