/** Our own access tokens for portals: short-lived JWTs (RFC 9068 `at+jwt`), signed with the gateway's key. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Scope } from '../../clients/scopes.ts'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { TokenSigner, TokenVerifier } from '../../signing/tokens.ts'
import type { Database } from '../../store/database.ts'
import { type Confirmation, confirmation, holdsToken } from '../tls/bound-token.ts'
import type { ClientCertificates } from '../tls/client-certificates.ts'
import { type Caller, callerOf } from './caller.ts'
import type { ProvenClient } from './client-assertion.ts'
import type { KnownTokens } from './known-tokens.ts'
import { bearerToken } from './officer.ts'

export const accessTokenSeconds = 600
const skewSeconds = 30
/** How long a client's row may be remembered: a disabled client is out after this. */
const clientMaxAgeMs = 5_000
const mostRemembered = 10_000

const claimsSchema = z.object({
  iss: z.string(),
  aud: z.string(),
  sub: z.string(),
  exp: z.number(),
  iat: z.number(),
  scope: z.string(),
  cnf: confirmation.optional(),
})

export async function issueAccessToken(
  sign: TokenSigner,
  client: ProvenClient,
  scope: string,
  issuer: string,
  jti: string,
  now: Date,
  bound: Confirmation | null = null,
): Promise<string> {
  const iat = Math.floor(now.getTime() / 1000)
  return await sign(
    {
      iss: issuer,
      aud: issuer,
      sub: client.clientId,
      client_id: client.clientId,
      scope,
      iat,
      exp: iat + accessTokenSeconds,
      jti,
      ...(bound === null ? {} : { cnf: bound }),
    },
    'at+jwt',
  )
}

export type Authenticate = (request: FastifyRequest) => Promise<void>

/**
 * Puts the caller on the request, or throws 401. Scopes are the token's (ten minutes at most); whether the client is active, its
 * agencies, origins and rate come from its row, at most five seconds old.
 */
export function createAuthenticate({
  database,
  environment,
  verify,
  issuer,
  clientCertificates,
  knownTokens,
}: {
  database: Database
  environment: Environment
  verify: TokenVerifier
  issuer: () => string
  clientCertificates: ClientCertificates
  knownTokens: KnownTokens
}): Authenticate {
  const remembered = new Map<string, { client: Omit<Caller, 'scopes'> | null; readAt: number }>()

  async function readClient(clientId: string): Promise<Omit<Caller, 'scopes'> | null> {
    const now = environment.now().getTime()
    const known = remembered.get(clientId)
    if (known !== undefined && now - known.readAt < clientMaxAgeMs) return known.client
    const [row] = await database.query<{
      id: string
      tenant_id: string
      agency_codes: string[]
      return_origins: string[]
      requests_per_minute: number
    }>(
      `SELECT id, tenant_id, agency_codes, return_origins, requests_per_minute FROM clients WHERE id = $1 AND status = 'ACTIVE'`,
      [clientId],
    )
    const client =
      row === undefined
        ? null
        : {
            clientId: row.id,
            tenantId: row.tenant_id,
            agencyCodes: row.agency_codes,
            returnOrigins: row.return_origins,
            requestsPerMinute: row.requests_per_minute,
          }
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(clientId, { client, readAt: now })
    return client
  }

  return async (request) => {
    const token = bearerToken(request)
    const claims = claimsSchema.safeParse(await verify(token, 'at+jwt'))
    const now = environment.now().getTime() / 1000
    if (
      !claims.success ||
      claims.data.iss !== issuer() ||
      claims.data.aud !== issuer() ||
      claims.data.exp < now - skewSeconds ||
      claims.data.iat > now + skewSeconds ||
      !holdsToken(claims.data.cnf, request.raw, clientCertificates)
    ) {
      throw new Problem('UNAUTHENTICATED')
    }
    const client = await readClient(claims.data.sub)
    if (client === null) throw new Problem('UNAUTHENTICATED')
    knownTokens.remember(token, client.clientId, claims.data.exp)
    request.caller = { ...client, scopes: claims.data.scope.split(' ') }
  }
}

/** Route guard: authenticated and holding the scope. */
export function requireScope(
  authenticate: Authenticate,
  scope: Scope,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request) => {
    await authenticate(request)
    if (!callerOf(request).scopes.includes(scope))
      throw new Problem('FORBIDDEN', { vi: `Cần quyền ${scope}.`, en: `The scope ${scope} is needed.` })
  }
}
