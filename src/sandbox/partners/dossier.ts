/** A dossier system: takes FeeGate's webhooks, believes none that it has not verified twice, and marks its dossiers paid once. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { compactVerify, createRemoteJWKSet } from 'jose'
import { createPartner, escape, listen, type Partner, page, takeRawBodies, wait } from './web.ts'

export type ReceivedEvent = {
  readonly eventId: string
  readonly type: string
  readonly dossierCode: string
  attempts: number
  readonly verified: boolean
  readonly at: Date
  readonly body: string
}
export type Failure = 500 | 'slow' | 'redirect' | 'drop'

export type DossierSandbox = Partner & {
  readonly webhookUrl: string
  secret: string
  jwksUrl: string
  readonly received: readonly ReceivedEvent[]
  /** The event that marked the dossier paid. */
  paid(dossierCode: string): string | null
  /** What arrived and was not genuine. */
  readonly refused: number
  failNext(times: number, how: Failure): void
}

const toleranceSeconds = 300

export async function startDossier({
  host,
  port,
  now,
}: {
  host: string
  port: number
  now: () => Date
}): Promise<DossierSandbox> {
  const received: ReceivedEvent[] = []
  const paidBy = new Map<string, string>()
  const failures: Failure[] = []
  let refused = 0
  let keys: { url: string; find: ReturnType<typeof createRemoteJWKSet> } | null = null
  const server = createPartner()
  takeRawBodies(server)

  function hasGoodSignature(headers: Record<string, unknown>, body: string): boolean {
    const [id, timestamp, signatures] = [
      headers['webhook-id'],
      headers['webhook-timestamp'],
      headers['webhook-signature'],
    ].map((value) => String(value ?? ''))
    if (Math.abs(now().getTime() / 1000 - Number(timestamp)) > toleranceSeconds) return false
    const key = Buffer.from(dossier.secret.replace(/^whsec_/, ''), 'base64')
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
    return (signatures ?? '').split(' ').some((candidate) => {
      const [version, value = ''] = candidate.split(',')
      const given = Buffer.from(value, 'base64')
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
    })
  }

  /** RFC 7515 appendix F: the payload travels beside the signature. */
  async function hasGoodJws(jws: string, body: string): Promise<boolean> {
    const [header = '', , signature = ''] = jws.split('.')
    if (keys === null || keys.url !== dossier.jwksUrl)
      keys = { url: dossier.jwksUrl, find: createRemoteJWKSet(new URL(dossier.jwksUrl)) }
    try {
      const { protectedHeader } = await compactVerify(
        `${header}.${Buffer.from(body).toString('base64url')}.${signature}`,
        keys.find,
      )
      return protectedHeader.typ === 'feegate-event+jws'
    } catch {
      // Not genuine, whatever the reason: the counter below tells of it.
      return false
    }
  }

  server.post('/webhooks', async (request, reply) => {
    const failure = failures.shift()
    if (failure === 500) return reply.code(500).send()
    if (failure === 'redirect') return reply.redirect('http://127.0.0.1:9/', 302)
    if (failure === 'drop') {
      request.raw.socket.destroy()
      return reply
    }
    if (failure === 'slow') await wait(15_000)
    const body = String(request.body)
    if (
      !hasGoodSignature(request.headers, body) ||
      !(await hasGoodJws(String(request.headers['feegate-event-jws'] ?? ''), body))
    ) {
      refused += 1
      return reply.code(401).send()
    }
    const event = JSON.parse(body) as { id: string; type: string; data: { invoice?: { dossierCode: string } } }
    const known = received.find(({ eventId }) => eventId === event.id)
    if (known !== undefined) {
      // The same event again: said yes to, done nothing.
      known.attempts += 1
      return reply.code(200).send()
    }
    const dossierCode = event.data.invoice?.dossierCode ?? ''
    received.push({ eventId: event.id, type: event.type, dossierCode, attempts: 1, verified: true, at: now(), body })
    if (event.type === 'invoice.paid' && !paidBy.has(dossierCode)) paidBy.set(dossierCode, event.id)
    return reply.code(200).send()
  })

  server.get('/', (_request, reply) => {
    const rows = [...received]
      .reverse()
      .map(
        (event) =>
          `<tr><td>${escape(event.at.toISOString().slice(11, 19))}</td><td>${escape(event.type)}</td><td>${escape(event.dossierCode)}</td><td>${event.attempts}</td></tr>`,
      )
    return reply
      .type('text/html; charset=utf-8')
      .send(
        page(
          'Hệ thống một cửa / Dossier system',
          `<p>${paidBy.size} hồ sơ đã nộp phí / dossiers paid · ${refused} bị từ chối / refused</p><table><tr><th>Lúc</th><th>Sự kiện</th><th>Hồ sơ</th><th>Lần</th></tr>${rows.join('')}</table>`,
        ),
      )
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
    paid: (dossierCode) => paidBy.get(dossierCode) ?? null,
    failNext(times, how) {
      for (let index = 0; index < times; index++) failures.push(how)
    },
    close: () => server.close(),
  }
  return dossier
}
