/**
 * The outbox on its way to dossier systems: at least once, in order per invoice, under one stable event id.
 *
 * A delivery is claimed by a lease in its row. A process that dies keeps nothing but an expired lease; another sends the
 * same event again under the same id.
 */
import type { Logger } from 'pino'
import type { Environment } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import type { WebhookCaller } from '../network/webhook-caller.ts'
import type { Vault } from '../secrets/vault.ts'
import type { EventSigner } from '../signing/event-signer.ts'
import type { Database } from '../store/database.ts'
import { retryDelayMs } from './backoff.ts'
import { liveSecrets, openSecrets, type SecretColumns } from './endpoint-secrets.ts'
import { standardWebhookHeaders } from './standard-webhooks.ts'

export type DispatchOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly vault: Vault
  readonly post: WebhookCaller
  readonly sign: EventSigner
  /** Longer than one attempt may take: a delivery whose process died is taken up again after this. */
  readonly leaseMs: number
  readonly metrics: Metrics
  readonly log: Logger
}

export type ClaimedDelivery = {
  readonly id: string
  readonly eventId: string
  readonly eventType: string
  readonly endpointId: string
  readonly url: string
  readonly endpoint: SecretColumns
  readonly attempts: number
  readonly giveUpAt: Date
  readonly body: string
}

/** Deliveries under way to one endpoint at a time. */
export const perEndpoint = 8
/** An endpoint that failed this often in a row, for at least this long, is paused until somebody resumes it. */
const pauseAfterFailures = 20
const pauseAfterMs = 60 * 60 * 1000

/** Claims what is due, at most `limit`, leaving out endpoints that have enough under way here. */
export async function claimDueDeliveries(
  { database, environment, leaseMs }: DispatchOptions,
  limit: number,
  busyEndpoints: readonly string[],
): Promise<ClaimedDelivery[]> {
  const now = environment.now()
  const rows = await database.query<Omit<ClaimedDelivery, 'endpoint'> & Omit<SecretColumns, 'id'>>(
    `UPDATE deliveries d SET lease_until = $1::timestamptz + $2 * interval '1 millisecond', attempts = d.attempts + 1
       FROM (
         SELECT due.id, w.url, w.id AS endpoint_id
           FROM webhook_endpoints w
          CROSS JOIN LATERAL (
            SELECT c.id FROM deliveries c
             WHERE c.endpoint_id = w.id AND c.status = 'PENDING' AND c.next_attempt_at <= $1
               AND (c.lease_until IS NULL OR c.lease_until <= $1)
               -- Order per invoice: an earlier event of it goes first.
               AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.endpoint_id = c.endpoint_id AND e.invoice_id = c.invoice_id
                                  AND e.status = 'PENDING' AND e.invoice_seq < c.invoice_seq)
             ORDER BY c.next_attempt_at LIMIT ${perEndpoint} FOR UPDATE SKIP LOCKED) due
          WHERE w.status = 'ACTIVE' AND w.id <> ALL ($4)
          LIMIT $3) claimed
       JOIN deliveries self ON self.id = claimed.id
       JOIN events e ON e.id = self.event_id
       JOIN webhook_endpoints s ON s.id = claimed.endpoint_id
      WHERE d.id = claimed.id
      RETURNING d.id, e.id AS "eventId", e.type AS "eventType", d.endpoint_id AS "endpointId", claimed.url, d.attempts,
                d.give_up_at AS "giveUpAt", e.body, s.tenant_id, s.secrets, s.master_key_id, s.data_key, s.sealed`,
    [now, leaseMs, limit, busyEndpoints],
  )
  return rows.map(({ tenant_id, secrets, master_key_id, data_key, sealed, ...delivery }) => ({
    ...delivery,
    endpoint: { id: delivery.endpointId, tenant_id, secrets, master_key_id, data_key, sealed },
  }))
}

/** Sends one claimed delivery and records what came of it. */
export async function deliver(options: DispatchOptions, delivery: ClaimedDelivery): Promise<void> {
  const { environment, vault, post, sign, metrics, log } = options
  const sentAt = environment.now()
  const secrets = liveSecrets(await openSecrets(vault, delivery.endpoint), sentAt)
  const answer = await post({
    url: delivery.url,
    body: delivery.body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'FeeGate-Webhook/1',
      'feegate-event-type': delivery.eventType,
      'feegate-event-jws': await sign(delivery.body),
      ...standardWebhookHeaders(delivery.eventId, sentAt, delivery.body, secrets),
    },
  })
  const child = log.child({
    eventId: delivery.eventId,
    deliveryId: delivery.id,
    endpointId: delivery.endpointId,
    attempt: delivery.attempts,
  })
  if (answer.kind === 'answered' && answer.status >= 200 && answer.status < 300) {
    metrics.deliveries.inc({ result: 'delivered' })
    child.info({ status: answer.status }, 'event delivered')
    await recordSuccess(options, delivery, answer.status)
    return
  }
  const status = answer.kind === 'answered' ? answer.status : null
  const error = answer.kind === 'answered' ? `answered ${answer.status}` : answer.error
  metrics.deliveries.inc({ result: 'failed' })
  child.warn({ status, error }, 'event not delivered')
  await recordFailure(options, delivery, status, error)
}

async function recordSuccess(
  { database, environment }: DispatchOptions,
  delivery: ClaimedDelivery,
  status: number,
): Promise<void> {
  await database.query(
    // The delivery before its endpoint, here as in recordFailure: one whose lease ran out may be recorded twice at once.
    `WITH done AS (
       UPDATE deliveries SET status = 'DELIVERED', delivered_at = $2, lease_until = NULL, last_status = $3, last_error = NULL
        WHERE id = $1 RETURNING id)
     UPDATE webhook_endpoints SET consecutive_failures = 0, failing_since = NULL
      WHERE id = $4 AND (consecutive_failures > 0 OR failing_since IS NOT NULL) AND EXISTS (SELECT FROM done)`,
    [delivery.id, environment.now(), status, delivery.endpointId],
  )
}

async function recordFailure(
  { database, environment, log }: DispatchOptions,
  delivery: ClaimedDelivery,
  status: number | null,
  error: string,
): Promise<void> {
  const now = environment.now()
  const fraction = (environment.random(1)[0] ?? 0) / 256
  const next = new Date(now.getTime() + retryDelayMs(delivery.attempts, fraction))
  const dead = next >= delivery.giveUpAt
  await database.transaction(async (tx) => {
    await tx.query(
      `UPDATE deliveries SET status = $2, next_attempt_at = $3, lease_until = NULL, last_status = $4, last_error = $5
        -- Another process may have delivered it after this one's lease ran out.
        WHERE id = $1 AND status = 'PENDING'`,
      [delivery.id, dead ? 'DEAD' : 'PENDING', next, status, error],
    )
    const [paused] = await tx.query<{ id: string; status: string }>(
      `UPDATE webhook_endpoints SET consecutive_failures = consecutive_failures + 1, failing_since = coalesce(failing_since, $2), updated_at = $2,
              status = CASE WHEN status = 'ACTIVE' AND ($3 OR (consecutive_failures + 1 >= ${pauseAfterFailures}
                             AND failing_since <= $2::timestamptz - $4 * interval '1 millisecond')) THEN 'PAUSED' ELSE status END,
              paused_reason = CASE WHEN $3 THEN 'the endpoint answered 410 Gone' ELSE $5 END
        WHERE id = $1 RETURNING id, status`,
      [delivery.endpointId, now, status === 410, pauseAfterMs, `failing: ${error}`.slice(0, 300)],
    )
    if (paused?.status === 'PAUSED')
      log.error({ endpointId: delivery.endpointId, error }, 'webhook endpoint paused: resume it when it works again')
  })
  if (dead)
    log.error(
      { eventId: delivery.eventId, endpointId: delivery.endpointId },
      'event given up after its delivery window: it waits for a manual replay',
    )
}

/** Deliveries of paused endpoints whose window has passed go to the operator's list as well. */
export async function buryOverdue({
  database,
  environment,
}: Pick<DispatchOptions, 'database' | 'environment'>): Promise<number> {
  const buried = await database.query(
    `UPDATE deliveries SET status = 'DEAD', last_error = coalesce(last_error, 'the endpoint stayed paused')
      WHERE id IN (
        -- Whoever holds one is about to record what came of it: the next round looks again.
        SELECT id FROM deliveries WHERE status = 'PENDING' AND give_up_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
         ORDER BY id FOR UPDATE SKIP LOCKED)
      RETURNING id`,
    [environment.now()],
  )
  return buried.length
}
