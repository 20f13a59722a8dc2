/** `POST /oauth/token`: client_credentials with private_key_jwt (RFC 6749 §4.4, RFC 7523 §2.2). Errors are OAuth's own (RFC 6749 §5.2). */
import formbody from '@fastify/formbody'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { type Environment, newId } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { TokenSigner } from '../../signing/tokens.ts'
import { type Database, StoreUnavailableError } from '../../store/database.ts'
import { confirmationOf } from '../tls/bound-token.ts'
import type { ClientCertificates } from '../tls/client-certificates.ts'
import { accessTokenSeconds, issueAccessToken } from './access-token.ts'
import { InvalidClientError, proveClient } from './client-assertion.ts'

const tokenForm = z.object({
  grant_type: z.literal('client_credentials'),
  client_assertion_type: z.literal('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
  client_assertion: z.string().min(20).max(4096),
  scope: z
    .string()
    .max(500)
    .regex(/^[a-z:.]+( [a-z:.]+)*$/)
    .optional(),
  client_id: z.string().max(60).optional(),
})

export const tokenAnswer = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.number().int(),
    scope: z.string(),
  })
  .meta({ id: 'AccessToken' })
const oauthError = z.object({ error: z.string(), error_description: z.string() }).meta({ id: 'OAuthError' })

export function registerTokenRoute(
  server: FastifyInstance,
  options: {
    database: Database
    environment: Environment
    sign: TokenSigner
    issuer: () => string
    /** Where portals with client certificates reach us; null: nowhere else. */
    portalUrl: string | null
    clientCertificates: ClientCertificates
    limit: (address: string) => Promise<void>
  },
): void {
  const { environment, sign, issuer, portalUrl, clientCertificates, limit } = options
  const audiences = (): string[] => [
    issuer(),
    `${issuer()}/oauth/token`,
    ...(portalUrl === null ? [] : [`${portalUrl}/oauth/token`]),
  ]
  server.register(async (scope) => {
    // A form and nothing else (RFC 6749 §4.4.2): the server's JSON would be a second way to say it.
    scope.removeAllContentTypeParsers()
    await scope.register(formbody, { bodyLimit: 8 * 1024 })
    scope.setErrorHandler((error, request, reply) => {
      if (error instanceof Problem && error.code === 'RATE_LIMITED')
        return refuse(
          reply.header('retry-after', error.retryAfterSeconds ?? 60),
          429,
          'slow_down',
          'too many token requests',
        )
      if (error instanceof StoreUnavailableError || (error instanceof Problem && error.status === 503))
        return refuse(
          reply.header('retry-after', (error instanceof Problem ? error.retryAfterSeconds : undefined) ?? 5),
          503,
          'temporarily_unavailable',
          'try again later',
        )
      if (
        error instanceof Error &&
        'statusCode' in error &&
        typeof error.statusCode === 'number' &&
        error.statusCode < 500
      )
        return refuse(reply, 400, 'invalid_request', 'the form cannot be read')
      request.log.error({ err: error }, 'token request failed')
      return refuse(reply, 500, 'server_error', 'internal error')
    })
    scope.post(
      '/oauth/token',
      {
        schema: {
          tags: ['Access'],
          security: [],
          summary: 'Get an access token',
          description:
            'client_credentials with private_key_jwt; `aud` is this address or the issuer, `exp` at most 5 minutes away, `jti` used once. Asked for with a client certificate, the token works with that certificate only (RFC 8705).',
          consumes: ['application/x-www-form-urlencoded'],
          response: { 200: tokenAnswer, 400: oauthError, 401: oauthError },
        },
        attachValidation: true,
      },
      async (request, reply) => {
        const form = tokenForm.safeParse(request.body)
        if (!form.success) {
          const field = form.error.issues[0]?.path.join('.') ?? ''
          return field === 'grant_type' && typeof grantOf(request.body) === 'string'
            ? refuse(reply, 400, 'unsupported_grant_type', 'only client_credentials is supported')
            : refuse(reply, 400, 'invalid_request', `missing, repeated or wrong: ${field}`)
        }
        await limit(request.ip)
        try {
          const client = await proveClient(options, form.data.client_assertion, audiences())
          if (form.data.client_id !== undefined && form.data.client_id !== client.clientId)
            throw new InvalidClientError('client_id is not the one of the assertion')
          const wanted = form.data.scope?.split(' ') ?? client.scopes
          const beyond = wanted.find((name) => !client.scopes.includes(name))
          if (beyond !== undefined)
            return refuse(reply, 400, 'invalid_scope', `this client does not have the scope ${beyond}`)
          const granted = wanted.join(' ')
          const presented = clientCertificates.presentedBy(request.raw)
          const token = await issueAccessToken(
            sign,
            client,
            granted,
            issuer(),
            newId(environment, 'req'),
            environment.now(),
            presented === null ? null : confirmationOf(presented.certificate),
          )
          return await reply
            .header('cache-control', 'no-store')
            .send({ access_token: token, token_type: 'Bearer', expires_in: accessTokenSeconds, scope: granted })
        } catch (error) {
          if (!(error instanceof InvalidClientError)) throw error
          request.log.warn({ reason: error.message }, 'client not proven')
          return refuse(reply, 401, 'invalid_client', error.message)
        }
      },
    )
  })
}

function grantOf(form: unknown): unknown {
  return typeof form === 'object' && form !== null && 'grant_type' in form ? form.grant_type : undefined
}

function refuse(reply: FastifyReply, status: number, error: string, description: string): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send({ error, error_description: description })
}
