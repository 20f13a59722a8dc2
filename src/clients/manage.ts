/** Portals that may call: `feegate clients add|rotate|list|disable`. Their private keys never reach us. */
import { createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { z } from 'zod'
import { type Environment, newId } from '../environment.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { scopes as knownScopes } from './scopes.ts'

export class ClientError extends Error {
  readonly code = 'CLIENT_INVALID'
}

const publicJwk = z.union([
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }),
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string() }),
])

export type NewClient = {
  readonly tenantId: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly agencyCodes: readonly string[]
  readonly returnOrigins: readonly string[]
  readonly requestsPerMinute: number
  /** Public JWK: P-256, Ed25519 or RSA; any private part is refused. */
  readonly jwk: unknown
}

/** How long the key before goes on working after a rotation. */
export const keyOverlapMs = 7 * 24 * 60 * 60 * 1000

export async function addClient(
  tx: Transaction,
  environment: Environment,
  client: NewClient,
  actor: string,
): Promise<{ clientId: string; kid: string }> {
  const now = environment.now()
  const unknown = client.scopes.find((scope) => !(knownScopes as readonly string[]).includes(scope))
  if (unknown !== undefined) throw new ClientError(`there is no scope ${unknown}; scopes: ${knownScopes.join(' ')}`)
  const badOrigin = client.returnOrigins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (badOrigin !== undefined) throw new ClientError(`${badOrigin} is not an origin like https://portal.example`)
  const [tenant] = await tx.query('SELECT id FROM tenants WHERE id = $1', [client.tenantId])
  if (tenant === undefined) throw new ClientError(`there is no tenant ${client.tenantId}: load its directory first`)
  const clientId = newId(environment, 'cli')
  await tx.query(
    `INSERT INTO clients (id, tenant_id, name, scopes, agency_codes, return_origins, requests_per_minute, status, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'ACTIVE', $8)`,
    [
      clientId,
      client.tenantId,
      client.name,
      client.scopes,
      client.agencyCodes,
      client.returnOrigins,
      client.requestsPerMinute,
      now,
    ],
  )
  const kid = await addKey(tx, clientId, client.jwk, now)
  await appendJournal(tx, [
    {
      tenantId: client.tenantId,
      at: now,
      kind: 'client.added',
      subject: clientId,
      actor,
      facts: { name: client.name, kid },
    },
  ])
  return { clientId, kid }
}

/** A new key works at once; the ones before end after the overlap. */
export async function rotateClientKey(
  tx: Transaction,
  environment: Environment,
  clientId: string,
  jwk: unknown,
  actor: string,
  overlapMs = keyOverlapMs,
): Promise<{ kid: string }> {
  const now = environment.now()
  const [client] = await tx.query<{ tenant_id: string }>('SELECT tenant_id FROM clients WHERE id = $1 FOR UPDATE', [
    clientId,
  ])
  if (client === undefined) throw new ClientError(`there is no client ${clientId}`)
  const end = new Date(now.getTime() + overlapMs)
  await tx.query('UPDATE client_keys SET expires_at = least(coalesce(expires_at, $2), $2) WHERE client_id = $1', [
    clientId,
    end,
  ])
  const kid = await addKey(tx, clientId, jwk, now)
  await appendJournal(tx, [
    {
      tenantId: client.tenant_id,
      at: now,
      kind: 'client.key_rotated',
      subject: clientId,
      actor,
      facts: { kid, previousUntil: end.toISOString() },
    },
  ])
  return { kid }
}

async function addKey(tx: Transaction, clientId: string, jwk: unknown, now: Date): Promise<string> {
  if (typeof jwk === 'object' && jwk !== null && 'd' in jwk)
    throw new ClientError('this is a private key: give the public JWK only')
  const parsed = publicJwk.safeParse(jwk)
  if (!parsed.success) throw new ClientError('the key must be a public JWK: EC P-256, OKP Ed25519 or RSA')
  const size = createPublicKey({ key: parsed.data, format: 'jwk' }).asymmetricKeyDetails?.modulusLength
  if (size !== undefined && size < 2048) throw new ClientError('an RSA key must have at least 2048 bits')
  const kid = await calculateJwkThumbprint(parsed.data as JWK)
  await tx.query('INSERT INTO client_keys (client_id, kid, jwk, created_at) VALUES ($1, $2, $3, $4)', [
    clientId,
    kid,
    JSON.stringify(parsed.data),
    now,
  ])
  return kid
}
