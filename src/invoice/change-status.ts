import type { EventType, InvoiceStatus } from '../domain/decision.ts'
import { eventText } from '../domain/event.ts'
import { type Environment, newId } from '../environment.ts'
import { refreshBaskets } from '../settlement/baskets.ts'
import type { Transaction } from '../store/database.ts'
import { appendEvents } from '../store/events.ts'
import { readInvoiceBook } from '../store/invoice-book.ts'
import { appendJournal } from '../store/journal.ts'

export type StatusChange = {
  /** Invoices whose row locks the caller holds. */
  readonly ids: readonly string[]
  readonly status: InvoiceStatus
  readonly event: EventType
  readonly actor: string
  readonly reason?: string
  readonly successorId?: string
}

/** Changes the state of invoices without money (expire, cancel, supersede): state, event and journal in the caller's transaction. */
export async function changeInvoiceStatus(
  tx: Transaction,
  environment: Environment,
  change: StatusChange,
): Promise<void> {
  if (change.ids.length === 0) return
  const now = environment.now()
  await tx.query(
    `UPDATE invoices SET status = $2, event_seq = event_seq + 1, updated_at = $3,
            cancel_reason = coalesce($4, cancel_reason), superseded_by_id = coalesce($5, superseded_by_id)
      WHERE id = ANY($1)`,
    [change.ids, change.status, now, change.reason ?? null, change.successorId ?? null],
  )
  const invoices = await readInvoiceBook(tx, change.ids)
  await appendEvents(
    tx,
    invoices.map((invoice) => {
      const id = newId(environment, 'evt')
      return {
        id,
        tenantId: invoice.tenantId,
        clientId: invoice.clientId,
        type: change.event,
        invoiceId: invoice.id,
        invoiceSeq: invoice.eventSeq,
        createdAt: now,
        body: eventText({
          id,
          type: change.event,
          occurredAt: now,
          sequence: invoice.eventSeq,
          invoice,
          ...(change.reason === undefined ? {} : { reason: change.reason }),
          ...(change.successorId === undefined ? {} : { successorId: change.successorId }),
        }),
      }
    }),
  )
  await appendJournal(
    tx,
    invoices.map((invoice) => ({
      tenantId: invoice.tenantId,
      at: now,
      kind: change.event,
      subject: invoice.id,
      actor: change.actor,
      facts: { reason: change.reason ?? null, successorId: change.successorId ?? null },
    })),
  )
  await refreshBaskets(tx, environment, change.ids)
}
