import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { KeyProvider } from '../signing/key-provider.ts'

/** Public facts of this gateway: its keys and where tokens are had. */
export function registerWellKnownRoutes(
  server: FastifyInstance,
  { keys, publicUrl, portalUrl }: { keys: KeyProvider; publicUrl: () => string; portalUrl: string | null },
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
      tls_client_certificate_bound_access_tokens: true,
      // RFC 8705 §5
      ...(portalUrl === null ? {} : { mtls_endpoint_aliases: { token_endpoint: `${portalUrl}/oauth/token` } }),
    }),
  )
}
