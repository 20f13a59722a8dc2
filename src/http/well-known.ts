import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { KeyRing } from '../signing/key-ring.ts'

/** Public facts of this gateway: its keys and where tokens are had. */
export function registerWellKnownRoutes(
  server: FastifyInstance,
  { keys, publicUrl }: { keys: KeyRing; publicUrl: () => string },
): void {
  server.get(
    '/.well-known/jwks.json',
    {
      schema: {
        tags: ['Access'],
        security: [],
        summary: 'Keys that verify what this gateway signs',
        response: { 200: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).meta({ id: 'JwkSet' }) },
      },
    },
    (_request, reply) => reply.header('cache-control', 'public, max-age=300').send(keys.publicJwks()),
  )
  server.get('/.well-known/oauth-authorization-server', { schema: { hide: true } }, (_request, reply) =>
    reply.send({
      issuer: publicUrl(),
      token_endpoint: `${publicUrl()}/oauth/token`,
      jwks_uri: `${publicUrl()}/.well-known/jwks.json`,
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'PS256', 'EdDSA'],
    }),
  )
}
