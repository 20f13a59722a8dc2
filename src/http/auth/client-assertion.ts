/**
 * `private_key_jwt` (RFC 7523 §2.2, §3): a client proves itself by a short-lived JWT signed with its registered key.
 * Each assertion works once: remembered by Redis first and by PostgreSQL for good.
 */
import { createHash } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Environment } from '../../environment.ts'
import { isUnambiguousJwt } from '../../signing/strict-jwt.ts'
import type { Database } from '../../store/database.ts'

export class InvalidClientError extends Error {
  readonly code = 'invalid_client'
}

export type ProvenClient = { readonly clientId: string; readonly tenantId: string; readonly scopes: readonly string[] }

/** Longest life of an assertion, and how far clocks may differ. */
const maxLifeSeconds = 300
const skewSeconds = 30

const claimsSchema = z.object({
  iss: z.string(),
  sub: z.string(),
  exp: z.number().int(),
  iat: z.number().int().optional(),
  jti: z.string().min(8).max(255),
})

type ClientRow = { id: string; tenant_id: string; scopes: string[]; keys: Record<string, unknown>[] | null }

/** @param audiences what the assertion may name as its audience: the issuer and its token endpoint */
export async function proveClient(
  { database, environment }: { database: Database; environment: Environment },
  assertion: string,
  audiences: readonly string[],
): Promise<ProvenClient> {
  const now = environment.now()
  if (!isUnambiguousJwt(assertion)) throw new InvalidClientError('the assertion is no unambiguous JWT')
  const claimed = claimedClient(assertion)
  const [client] = await database.query<ClientRow>(
    `SELECT c.id, c.tenant_id, c.scopes, (
              SELECT json_agg(k.jwk || jsonb_build_object('kid', k.kid)) FROM client_keys k
               WHERE k.client_id = c.id AND (k.expires_at IS NULL OR k.expires_at > $2)) AS keys
       FROM clients c WHERE c.id = $1 AND c.status = 'ACTIVE'`,
    [claimed, now],
  )
  if (client === undefined || client.keys === null) throw new InvalidClientError('unknown client')
  let payload: unknown
  try {
    const verified = await jwtVerify(assertion, createLocalJWKSet({ keys: client.keys } as unknown as JSONWebKeySet), {
      algorithms: ['ES256', 'PS256', 'EdDSA'],
      audience: [...audiences],
      issuer: client.id,
      subject: client.id,
      clockTolerance: skewSeconds,
      currentDate: now,
    })
    payload = verified.payload
  } catch (error) {
    throw new InvalidClientError('the assertion does not verify', { cause: error })
  }
  const claims = claimsSchema.safeParse(payload)
  if (!claims.success) throw new InvalidClientError('the assertion lacks iss, sub, exp or jti', { cause: claims.error })
  const nowSeconds = Math.floor(now.getTime() / 1000)
  if (claims.data.exp > nowSeconds + maxLifeSeconds + skewSeconds)
    throw new InvalidClientError(`exp is more than ${maxLifeSeconds} seconds away`)
  const [fresh] = await database.query<{ client_id: string }>(
    `INSERT INTO client_assertions (client_id, jti_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING client_id`,
    [
      client.id,
      createHash('sha256').update(claims.data.jti).digest(),
      new Date((claims.data.exp + skewSeconds) * 1000),
    ],
  )
  if (fresh === undefined) throw new InvalidClientError('this assertion was used before')
  return { clientId: client.id, tenantId: client.tenant_id, scopes: client.scopes }
}

function claimedClient(assertion: string): string {
  try {
    const { sub } = decodeJwt(assertion)
    if (typeof sub === 'string' && /^cli_[0-9a-z]{26}$/.test(sub)) return sub
  } catch (error) {
    throw new InvalidClientError('the assertion is no JWT', { cause: error })
  }
  throw new InvalidClientError('the assertion names no client')
}
