/** Webhook endpoints of clients: register, rotate the secret, test, pause and resume, delete. */
import { type Environment, newId } from '../environment.ts'
import type { WebhookAnswer, WebhookCaller } from '../network/webhook-caller.ts'
import { Problem } from '../problem/problem.ts'
import type { Vault } from '../secrets/vault.ts'
import type { EventSigner } from '../signing/event-signer.ts'
import type { Database, TenantDatabase, Transaction } from '../store/database.ts'
import { deliveryChannel, deliveryWindowMs } from '../store/events.ts'
import {
  liveSecrets,
  openSecrets,
  type SecretColumns,
  sealSecrets,
  secretColumns,
  type WebhookSecret,
} from './endpoint-secrets.ts'
import { makeWebhookSecret, standardWebhookHeaders } from './standard-webhooks.ts'

export type WebhookEndpoint = {
  readonly id: string
  readonly url: string
  readonly status: 'ACTIVE' | 'PAUSED'
  readonly pausedReason: string | null
  readonly consecutiveFailures: number
  readonly createdAt: Date
}
/** Shown once, when the secret is new. */
export type EndpointWithSecret = { readonly endpoint: WebhookEndpoint; readonly secret: string }

type Owner = { readonly tenantId: string; readonly clientId: string }

/** How long the old secret goes on signing beside the new one, unless the caller says otherwise. */
export const secretOverlapMs = 24 * 60 * 60 * 1000
const secretBytes = 32
const maxEndpoints = 10

export async function registerEndpoint(
  tx: Transaction,
  environment: Environment,
  vault: Vault,
  owner: Owner,
  url: string,
): Promise<EndpointWithSecret> {
  const now = environment.now()
  // The client's row is the lock that keeps the count below its limit.
  await tx.query('SELECT id FROM clients WHERE id = $1 FOR UPDATE', [owner.clientId])
  const [{ count } = { count: 0n }] = await tx.query<{ count: bigint }>(
    `SELECT count(*) AS count FROM webhook_endpoints WHERE client_id = $1 AND status <> 'DELETED'`,
    [owner.clientId],
  )
  if (count >= BigInt(maxEndpoints)) {
    throw new Problem('WEBHOOK_URL_NOT_ALLOWED', {
      vi: `Tối đa ${maxEndpoints} webhook.`,
      en: `At most ${maxEndpoints} endpoints.`,
    })
  }
  const secret = makeWebhookSecret(environment.random(secretBytes))
  const id = newId(environment, 'whe')
  const sealed = await sealSecrets(vault, owner.tenantId, id, [{ secret }])
  const [row] = await tx.query<EndpointRow>(
    `INSERT INTO webhook_endpoints (id, tenant_id, client_id, url, master_key_id, data_key, sealed, status, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'ACTIVE', $8, $8) RETURNING ${columns}`,
    [id, owner.tenantId, owner.clientId, url, sealed.master_key_id, sealed.data_key, sealed.sealed, now],
  )
  return { endpoint: found(row), secret }
}

export async function listEndpoints(database: TenantDatabase, owner: Owner): Promise<WebhookEndpoint[]> {
  const rows = await database.query<EndpointRow>(
    `SELECT ${columns} FROM webhook_endpoints WHERE tenant_id = $1 AND client_id = $2 AND status <> 'DELETED' ORDER BY id`,
    [owner.tenantId, owner.clientId],
  )
  return rows.map(found)
}

export async function getEndpoint(
  source: Pick<Database | Transaction, 'query'>,
  owner: Owner,
  id: string,
): Promise<WebhookEndpoint> {
  const [row] = await source.query<EndpointRow>(
    `SELECT ${columns} FROM webhook_endpoints WHERE id = $1 AND tenant_id = $2 AND client_id = $3 AND status <> 'DELETED'`,
    [id, owner.tenantId, owner.clientId],
  )
  return found(row)
}

/** Newest first. */
export async function endpointSecrets(
  source: Pick<Database | Transaction, 'query'>,
  vault: Vault,
  owner: Owner,
  id: string,
): Promise<readonly WebhookSecret[]> {
  const [row] = await source.query<SecretColumns>(
    `SELECT id, tenant_id, ${secretColumns} FROM webhook_endpoints WHERE id = $1 AND tenant_id = $2 AND client_id = $3 AND status <> 'DELETED'`,
    [id, owner.tenantId, owner.clientId],
  )
  if (row === undefined) throw new Problem('NOT_FOUND')
  return await openSecrets(vault, row)
}

/** A new secret signs at once; the one before goes on signing for `overlapMs`, older ones end now. */
export async function rotateEndpointSecret(
  tx: Transaction,
  environment: Environment,
  vault: Vault,
  owner: Owner,
  id: string,
  overlapMs: number,
): Promise<EndpointWithSecret> {
  const now = environment.now()
  await tx.query('SELECT id FROM webhook_endpoints WHERE id = $1 AND client_id = $2 FOR UPDATE', [id, owner.clientId])
  const [previous] = await endpointSecrets(tx, vault, owner, id)
  const secret = makeWebhookSecret(environment.random(secretBytes))
  const secrets: WebhookSecret[] = [
    { secret },
    ...(previous === undefined || overlapMs === 0
      ? []
      : [{ secret: previous.secret, expiresAt: new Date(now.getTime() + overlapMs).toISOString() }]),
  ]
  const sealed = await sealSecrets(vault, owner.tenantId, id, secrets)
  const [row] = await tx.query<EndpointRow>(
    `UPDATE webhook_endpoints SET secrets = NULL, master_key_id = $2, data_key = $3, sealed = $4, updated_at = $5 WHERE id = $1 RETURNING ${columns}`,
    [id, sealed.master_key_id, sealed.data_key, sealed.sealed, now],
  )
  return { endpoint: found(row), secret }
}

/** Resumes a paused endpoint; everything pending goes out at once. */
export async function resumeEndpoint(
  tx: Transaction,
  environment: Environment,
  owner: Owner,
  id: string,
): Promise<WebhookEndpoint> {
  await getEndpoint(tx, owner, id)
  const now = environment.now()
  await lockPending(tx, id)
  await tx.query(`UPDATE deliveries SET next_attempt_at = $2 WHERE endpoint_id = $1 AND status = 'PENDING'`, [id, now])
  const [row] = await tx.query<EndpointRow>(
    `UPDATE webhook_endpoints SET status = 'ACTIVE', paused_reason = NULL, consecutive_failures = 0, failing_since = NULL, updated_at = $2
      WHERE id = $1 RETURNING ${columns}`,
    [id, now],
  )
  await tx.query(`SELECT pg_notify('${deliveryChannel}', '')`, [])
  return found(row)
}

/** Nothing more is sent there; what was pending stays readable in the event feed. */
export async function deleteEndpoint(
  tx: Transaction,
  environment: Environment,
  owner: Owner,
  id: string,
): Promise<void> {
  await getEndpoint(tx, owner, id)
  await lockPending(tx, id)
  await tx.query(
    `UPDATE deliveries SET status = 'DEAD', last_error = 'the endpoint was deleted' WHERE endpoint_id = $1 AND status = 'PENDING'`,
    [id],
  )
  await tx.query(`UPDATE webhook_endpoints SET status = 'DELETED', updated_at = $2 WHERE id = $1`, [
    id,
    environment.now(),
  ])
}

/** Deliveries before their endpoint, in id order: as whoever records what came of one takes them (docs/architecture.md). */
async function lockPending(tx: Transaction, endpointId: string): Promise<void> {
  await tx.query(`SELECT id FROM deliveries WHERE endpoint_id = $1 AND status = 'PENDING' ORDER BY id FOR UPDATE`, [
    endpointId,
  ])
}

/** Sends a `webhook.test` event now, signed like any other, and tells what came back. It is not stored and not retried. */
export async function testEndpoint(
  endpoint: WebhookEndpoint,
  secrets: readonly WebhookSecret[],
  environment: Environment,
  post: WebhookCaller,
  sign: EventSigner,
): Promise<WebhookAnswer> {
  const now = environment.now()
  const id = newId(environment, 'evt')
  const body = JSON.stringify({
    id,
    type: 'webhook.test',
    timestamp: now.toISOString(),
    data: { endpointId: endpoint.id },
  })
  return await post({
    url: endpoint.url,
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'FeeGate-Webhook/1',
      'feegate-event-type': 'webhook.test',
      'feegate-event-jws': await sign(body),
      ...standardWebhookHeaders(id, now, body, liveSecrets(secrets, now)),
    },
  })
}

/**
 * Sends an event again to every live endpoint of its client, also to endpoints registered since: same id, same body.
 * Returns how many deliveries were set going.
 */
export async function replayEvent(
  tx: Transaction,
  environment: Environment,
  owner: Owner,
  eventId: string,
): Promise<number> {
  const now = environment.now()
  const [event] = await tx.query<{ id: string }>(
    'SELECT id FROM events WHERE id = $1 AND tenant_id = $2 AND client_id = $3',
    [eventId, owner.tenantId, owner.clientId],
  )
  if (event === undefined) throw new Problem('NOT_FOUND')
  const set = await tx.query(
    `INSERT INTO deliveries (id, tenant_id, event_id, endpoint_id, invoice_id, invoice_seq, status, next_attempt_at, give_up_at, created_at)
     SELECT 'dlv_' || substr(e.id, 5) || substr(w.id, 5), e.tenant_id, e.id, w.id, e.invoice_id, e.invoice_seq, 'PENDING', $2,
            $2::timestamptz + $3 * interval '1 millisecond', $2
       FROM events e JOIN webhook_endpoints w ON w.client_id = e.client_id AND w.status <> 'DELETED' WHERE e.id = $1
     ON CONFLICT (event_id, endpoint_id) DO UPDATE
        SET status = 'PENDING', attempts = 0, next_attempt_at = excluded.next_attempt_at, give_up_at = excluded.give_up_at, lease_until = NULL
     RETURNING id`,
    [eventId, now, deliveryWindowMs],
  )
  await tx.query(`SELECT pg_notify('${deliveryChannel}', '')`, [])
  return set.length
}

type EndpointRow = {
  id: string
  url: string
  status: 'ACTIVE' | 'PAUSED'
  paused_reason: string | null
  consecutive_failures: number
  created_at: Date
}

const columns = 'id, url, status, paused_reason, consecutive_failures, created_at'

function found(row: EndpointRow | undefined): WebhookEndpoint {
  if (row === undefined) throw new Problem('NOT_FOUND')
  return {
    id: row.id,
    url: row.url,
    status: row.status,
    pausedReason: row.paused_reason,
    consecutiveFailures: row.consecutive_failures,
    createdAt: row.created_at,
  }
}
