import { randomBytes } from 'node:crypto'
import { CompactSign, exportJWK, generateKeyPair } from 'jose'
import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import { type DossierSandbox, startDossier } from '../../../src/sandbox/partners/dossier.ts'
import { listenAsGateway, options } from './gateway.ts'

type Sent = { at?: Date; secret?: string; typ?: string; sentBody?: string; detached?: boolean }

async function start(
  t: Test,
): Promise<{ dossier: DossierSandbox; send: (body: string, sent?: Sent) => Promise<Response> }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] }
  const { url } = await listenAsGateway(t, () => ({ body: JSON.stringify(jwks) }))
  const dossier = await startDossier(options)
  t.teardown(() => dossier.close())
  dossier.secret = `whsec_${randomBytes(32).toString('base64')}`
  dossier.jwksUrl = url
  return {
    dossier,
    async send(
      body,
      { at = new Date(), secret = dossier.secret, typ = 'feegate-event+jws', sentBody = body, detached = true } = {},
    ) {
      const jws = await new CompactSign(Buffer.from(body))
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ })
        .sign(privateKey)
      const [header, payload, signature] = jws.split('.')
      return await fetch(dossier.webhookUrl, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'webhook-id': 'evt_1',
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')} ${new Webhook(secret).sign('evt_1', at, sentBody)}`,
          'feegate-event-jws': `${header}.${detached ? '' : payload}.${signature}`,
        },
        body: sentBody,
      })
    },
  }
}

const paid = '{"id":"evt_1","type":"invoice.paid","data":{"invoice":{"dossierCode":"H56.14-1","note":"Đã nộp"}}}'

t.test('an event signed by the published key and by another Standard Webhooks library is believed, once', async (t) => {
  const { dossier, send } = await start(t)
  t.equal((await send(paid)).status, 200)
  t.equal((await send(paid)).status, 200)
  t.match(dossier.received, [{ eventId: 'evt_1', type: 'invoice.paid', attempts: 2, verified: true, body: paid }])
  t.equal(dossier.paid('H56.14-1'), 'evt_1')
  t.equal(dossier.refused, 0)
})

const forgeries: readonly (readonly [name: string, sent: Sent, fault: RegExp])[] = [
  ['another secret', { secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }, /webhook-signature/],
  ['a timestamp of six minutes ago', { at: new Date(Date.now() - 360_000) }, /webhook-timestamp/],
  ['a timestamp of six minutes ahead', { at: new Date(Date.now() + 360_000) }, /webhook-timestamp/],
  ['a body the key did not sign', { sentBody: paid.replace('H56.14-1', 'H56.14-2') }, /JWS/],
  ['a JWS of another kind', { typ: 'feegate-invoice+jws' }, /JWS/],
  ['a JWS that carries its payload', { detached: false }, /detached/],
]
for (const [name, sent, fault] of forgeries) {
  t.test(`${name} changes no dossier`, async (t) => {
    const { dossier, send } = await start(t)
    t.equal((await send(paid, sent)).status, 401)
    t.match(dossier.lastFault, fault)
    t.same([dossier.received, dossier.paid('H56.14-1'), dossier.refused], [[], null, 1])
  })
}

t.test('failures take nothing, come as often as asked, and end', async (t) => {
  const { dossier, send } = await start(t)
  dossier.failNext(1, 500)
  dossier.failNext(1, 'redirect')
  dossier.failNext(1, 'drop')
  t.equal((await send(paid)).status, 500)
  t.equal((await send(paid)).status, 302)
  await t.rejects(send(paid))
  t.equal(dossier.received.length, 0)
  t.equal((await send(paid)).status, 200)
})
