import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import { makeContext } from '../../src/sandbox/context.ts'
import { type DossierSystem, startDossier } from '../../src/sandbox/dossier.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const { privateKey, publicKey } = await generateKeyPair('ES256')
const foreign = await generateKeyPair('ES256')
const jwk: JWK = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256' }

async function system(t: Test): Promise<DossierSystem> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const dossier = await startDossier(makeContext(), { slowMs: 50 })
  dossier.secret = secret
  dossier.jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  t.teardown(async () => {
    await dossier.close()
    server.closeAllConnections()
    server.close()
  })
  return dossier
}

let events = 0
function anEvent(dossierCode = 'H56.14-261120-0001', over: Record<string, unknown> = {}): { id: string; body: string } {
  const id = `evt_${++events}`
  const invoice = { id: 'inv_1', dossierCode, total: 150_000 }
  return {
    id,
    body: JSON.stringify({ id, type: 'invoice.paid', timestamp: '2026-11-20T05:00:00Z', data: { invoice }, ...over }),
  }
}

type Sending = {
  at?: Date
  webhookSecret?: string
  key?: CryptoKey
  typ?: string
  signedBody?: string
  attached?: boolean
  id?: string
}

async function deliver(
  dossier: DossierSystem,
  { id, body }: { id: string; body: string },
  over: Sending = {},
): Promise<number> {
  const at = over.at ?? new Date()
  const jws = await new CompactSign(Buffer.from(over.signedBody ?? body))
    .setProtectedHeader({ alg: 'ES256', kid: 'key-1', typ: over.typ ?? 'feegate-event+jws' })
    .sign(over.key ?? privateKey)
  const [header, , signature] = jws.split('.')
  const webhookId = over.id ?? id
  const answer = await fetch(dossier.webhookUrl, {
    method: 'POST',
    redirect: 'manual',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': webhookId,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(over.webhookSecret ?? secret).sign(webhookId, at, body),
      'feegate-event-jws': over.attached === true ? jws : `${header}..${signature}`,
    },
  })
  return answer.status
}

t.test('a delivery signed by the library and by the key marks the dossier paid, however often it comes', async (t) => {
  const dossier = await system(t)
  const event = anEvent()
  for (let time = 0; time < 3; time++) t.equal(await deliver(dossier, event), 204)
  t.match(dossier.received, [{ id: event.id, type: 'invoice.paid', times: 3, verified: true, fault: null }])
  const status = dossier.dossiers.get('H56.14-261120-0001')
  t.match(status, { status: 'PAID', byEvent: event.id, amount: 150_000 })
  t.same(status?.paidBy, new Map([['inv_1', [event.id]]]))
  t.match(await (await fetch(dossier.baseUrl)).text(), event.id)
})

t.test('what is not signed twice, fresh, and about itself is kept as evidence and marks nothing', async (t) => {
  const dossier = await system(t)
  const event = anEvent()
  const minutes = (count: number): Date => new Date(Date.now() + count * 60_000)
  const bad: [string, Sending, RegExp][] = [
    ['another secret', { webhookSecret: `whsec_${randomBytes(32).toString('base64')}` }, /webhook-signature/],
    ['old', { at: minutes(-6) }, /webhook-timestamp/],
    ['of the future', { at: minutes(6) }, /webhook-timestamp/],
    ['another key', { key: foreign.privateKey }, /JWS/],
    ['another body, detached', { signedBody: '{}' }, /JWS/],
    ['a JWS that carries its payload', { attached: true }, /not detached/],
    ['another kind of signature', { typ: 'feegate-invoice+jws' }, /feegate-invoice/],
    ['another id', { id: 'evt_other' }, /webhook-id/],
  ]
  for (const [name, over, fault] of bad) {
    t.equal(await deliver(dossier, event, over), 401, name)
    t.match(dossier.received.at(-1), { verified: false, fault }, name)
  }
  t.equal(dossier.dossiers.size, 0)
  t.equal(await deliver(dossier, event), 204, 'the genuine one is still taken')
})

t.test('headers with several signatures pass when one fits', async (t) => {
  const dossier = await system(t)
  const { id, body } = anEvent()
  const at = new Date()
  const jws = await new CompactSign(Buffer.from(body))
    .setProtectedHeader({ alg: 'ES256', kid: 'key-1', typ: 'feegate-event+jws' })
    .sign(privateKey)
  const old = new Webhook(`whsec_${randomBytes(32).toString('base64')}`).sign(id, at, body)
  const answer = await fetch(dossier.webhookUrl, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': `${old} ${new Webhook(secret).sign(id, at, body)}`,
      'feegate-event-jws': jws.replace(/\..*\./, '..'),
    },
  })
  t.equal(answer.status, 204)
})

t.test('it fails as it is told, for as many deliveries as it is told', async (t) => {
  const dossier = await system(t)
  const event = anEvent()
  dossier.fail('500', 2)
  t.same([await deliver(dossier, event), await deliver(dossier, event)], [500, 500])
  dossier.fail('redirect', 1)
  t.equal(await deliver(dossier, event), 302)
  dossier.fail('slow', 1)
  t.equal(await deliver(dossier, event), 503)
  dossier.fail('down', 1)
  await t.rejects(deliver(dossier, event))
  t.equal(dossier.received.length, 0, 'nothing was taken')
  const waiting = dossier.until(1)
  t.equal(await deliver(dossier, event), 204)
  await waiting
  await t.rejects(dossier.until(2, 20), /1 of 2/)
})

t.test('failures it was told of together come one after the other', async (t) => {
  const dossier = await system(t)
  const event = anEvent()
  dossier.fail('500', 1)
  dossier.fail('redirect', 1)
  dossier.fail('down', 1)
  t.same([await deliver(dossier, event), await deliver(dossier, event)], [500, 302])
  await t.rejects(deliver(dossier, event))
  t.same(dossier.received, [])
  t.equal(await deliver(dossier, event), 204)
})

t.test('the secret of a new endpoint is typed into its page', async (t) => {
  const dossier = await system(t)
  dossier.secret = null
  t.equal(await deliver(dossier, anEvent()), 401)
  await fetch(`${dossier.baseUrl}/sandbox/secret`, { method: 'POST', body: new URLSearchParams({ secret }) })
  t.equal(await deliver(dossier, anEvent()), 204)
})

t.test('a dossier with two paid invoices knows the event of each', async (t) => {
  const dossier = await system(t)
  const first = anEvent('H56.14-261120-0002')
  const second = anEvent('H56.14-261120-0002', {
    data: { invoice: { id: 'inv_2', dossierCode: 'H56.14-261120-0002', total: 5 } },
  })
  await deliver(dossier, first)
  await deliver(dossier, second)
  const status = dossier.dossiers.get('H56.14-261120-0002')
  t.equal(status?.byEvent, first.id)
  t.same(
    status?.paidBy,
    new Map([
      ['inv_1', [first.id]],
      ['inv_2', [second.id]],
    ]),
  )
})
