import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { signAssertion } from '../../src/clients/assertion.ts'
import { addClient } from '../../src/clients/manage.ts'
import { testGateway } from '../harness/gateway.ts'

const keyPairs: Readonly<Record<string, { privateKey: KeyObject; publicKey: KeyObject }>> = {
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  Ed25519: generateKeyPairSync('ed25519'),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
}

t.test('an assertion made by hand gets one token, whatever kind of key the portal has', async (t) => {
  const gateway = await testGateway(t)
  const audience = `${gateway.url}/oauth/token`
  for (const [name, { privateKey, publicKey }] of Object.entries(keyPairs)) {
    const { clientId } = await gateway.database.transaction((tx) =>
      addClient(
        tx,
        gateway.environment,
        {
          tenantId: 'ten_thanhhoa',
          name,
          scopes: ['invoices:read'],
          agencyCodes: [],
          returnOrigins: [],
          requestsPerMinute: 60,
          jwk: publicKey.export({ format: 'jwk' }),
        },
        'test',
      ),
    )
    const jwk = privateKey.export({ format: 'jwk' })
    const assertion = await signAssertion(gateway.environment, { jwk, clientId, audience })
    const ask = async (): Promise<number> =>
      (
        await fetch(audience, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: assertion,
          }),
        })
      ).status
    t.equal(await ask(), 200, name)
    t.equal(await ask(), 401, `${name}: once only`)
    await t.rejects(
      signAssertion(gateway.environment, { jwk: publicKey.export({ format: 'jwk' }), clientId, audience }),
      { code: 'PORTAL_KEY' },
      `${name}: a public key signs nothing`,
    )
  }
})
