/** An identity provider of the tests' own, and tokens of its officers. */
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint, SignJWT } from 'jose'
import type { Test } from 'tap'
import { testNoon } from './gateway.ts'

export type Officers = {
  readonly issuer: string
  /** Headers of an officer with these roles, on the day on which tests stand. */
  headers(roles: readonly string[], over?: Record<string, unknown>): Promise<Record<string, string>>
}

export async function testOfficers(t: Test): Promise<Officers> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  const kid = await calculateJwkThumbprint(jwk)
  const server = createServer((_request, response) =>
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] })),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    issuer,
    async headers(roles, over = {}) {
      const now = Math.floor(testNoon.getTime() / 1000)
      const claims = { iss: issuer, aud: 'feegate', sub: 'canbo01', name: 'Trần Thị B', tenant: 'ten_thanhhoa', roles }
      const token = await new SignJWT({ ...claims, iat: now, exp: now + 365 * 86_400, ...over })
        .setProtectedHeader({ alg: 'ES256', kid })
        .sign(privateKey)
      return { authorization: `Bearer ${token}` }
    },
  }
}
