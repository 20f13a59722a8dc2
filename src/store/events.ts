import type { Transaction } from './database.ts'
import { insertAll, rowsToJson } from './rows.ts'

/** Channel on which dispatchers listen for new work. */
export const deliveryChannel = 'feegate_delivery'

export type NewEvent = {
  readonly id: string
  readonly tenantId: string
  readonly clientId: string
  readonly type: string
  /** Null for an event that belongs to no single invoice: nothing orders it among others. */
  readonly invoiceId: string | null
  readonly invoiceSeq: number | null
  readonly body: string
  readonly createdAt: Date
}

/** How long a delivery is tried before it is given up to the operator's list (domain.md §7.5). */
export const deliveryWindowMs = 72 * 60 * 60 * 1000

/**
 * The outbox: events and one delivery per active or paused endpoint of the client, in the transaction of their cause.
 * The dispatcher is woken by the commit itself (NOTIFY is sent at commit only).
 */
export async function appendEvents(tx: Transaction, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  await insertAll(
    tx,
    'events',
    events.map((event) => ({
      id: event.id,
      tenant_id: event.tenantId,
      client_id: event.clientId,
      type: event.type,
      invoice_id: event.invoiceId,
      invoice_seq: event.invoiceSeq,
      body: event.body,
      created_at: event.createdAt,
    })),
  )
  // Partners that sent the payer hear of a payment too: the newest order of each (docs/decisions/016), in the same round trip.
  await tx.query(
    `WITH e AS MATERIALIZED (SELECT * FROM json_populate_recordset(NULL::events, $1::json)),
     results AS (
       INSERT INTO partner_results (order_id, event_id, tenant_id, partner_id, status, next_attempt_at, give_up_at, created_at)
       SELECT DISTINCT ON (o.partner_id, o.invoice_id) o.id, e.id, o.tenant_id, o.partner_id, 'PENDING', e.created_at,
              e.created_at + $2 * interval '1 millisecond', e.created_at
         FROM e JOIN partner_orders o ON o.invoice_id = e.invoice_id
        WHERE e.type = 'invoice.paid' ORDER BY o.partner_id, o.invoice_id, o.id DESC)
     INSERT INTO deliveries (id, tenant_id, event_id, endpoint_id, invoice_id, invoice_seq, status, next_attempt_at, give_up_at, created_at)
     SELECT 'dlv_' || substr(e.id, 5) || substr(w.id, 5), e.tenant_id, e.id, w.id, e.invoice_id, e.invoice_seq, 'PENDING',
            e.created_at, e.created_at + $2 * interval '1 millisecond', e.created_at
       FROM e
       JOIN webhook_endpoints w ON w.client_id = e.client_id AND w.status <> 'DELETED'`,
    [
      rowsToJson(
        events.map(({ id, type, tenantId, clientId, invoiceId, invoiceSeq, createdAt }) => ({
          id,
          type,
          tenant_id: tenantId,
          client_id: clientId,
          invoice_id: invoiceId,
          invoice_seq: invoiceSeq,
          created_at: createdAt,
        })),
      ),
      deliveryWindowMs,
    ],
  )
  await tx.query(`SELECT pg_notify('${deliveryChannel}', '')`, [])
}

/** Deliveries of an event to endpoints that were there before it and have none: each gets a window of its own from now on. */
export async function addMissingDeliveries(tx: Transaction, eventId: string, now: Date): Promise<void> {
  await tx.query(
    `INSERT INTO deliveries (id, tenant_id, event_id, endpoint_id, invoice_id, invoice_seq, status, next_attempt_at, give_up_at, created_at)
     SELECT 'dlv_' || substr(e.id, 5) || substr(w.id, 5), e.tenant_id, e.id, w.id, e.invoice_id, e.invoice_seq, 'PENDING',
            $2, $2::timestamptz + $3 * interval '1 millisecond', $2
       FROM events e JOIN webhook_endpoints w ON w.client_id = e.client_id AND w.status <> 'DELETED' AND w.created_at < e.created_at
      WHERE e.id = $1 ON CONFLICT (event_id, endpoint_id) DO NOTHING`,
    [eventId, now, deliveryWindowMs],
  )
  await tx.query(`SELECT pg_notify('${deliveryChannel}', '')`, [])
}
