/** What a change of invoices means for the baskets that hold them: in the same commit, so a basket is never done too early or not at all. */
import { basketPaidText, basketSums, partOf } from '../domain/basket.ts'
import { type Environment, newId } from '../environment.ts'
import { type BasketRecord, lockUnfinishedBaskets, setBasketStatus } from '../store/baskets.ts'
import type { Transaction } from '../store/database.ts'
import { appendEvents } from '../store/events.ts'
import { appendJournal } from '../store/journal.ts'

/** Invoices whose new state is written and whose row locks the caller holds. */
export async function refreshBaskets(
  tx: Transaction,
  environment: Environment,
  invoiceIds: readonly string[],
): Promise<void> {
  if (invoiceIds.length === 0) return
  const now = environment.now()
  const changed = (await lockUnfinishedBaskets(tx, invoiceIds)).flatMap((basket) => {
    const { status } = basketSums(basket.invoices)
    return status === basket.status
      ? []
      : [{ basket, change: { id: basket.id, status, paidAt: status === 'PAID' ? lastPaidAt(basket, now) : null } }]
  })
  if (changed.length === 0) return
  await setBasketStatus(
    tx,
    changed.map(({ change }) => change),
    now,
  )
  await appendEvents(
    tx,
    changed.flatMap(({ basket, change }) => {
      if (change.paidAt === null) return []
      const id = newId(environment, 'evt')
      const body = basketPaidText({
        id,
        occurredAt: now,
        basketId: basket.id,
        paidAt: change.paidAt,
        invoices: basket.invoices,
      })
      const { tenantId, clientId } = basket
      return [{ id, tenantId, clientId, type: 'basket.paid', invoiceId: null, invoiceSeq: null, createdAt: now, body }]
    }),
  )
  await appendJournal(
    tx,
    changed.map(({ basket, change }) => ({
      tenantId: basket.tenantId,
      at: now,
      kind: `basket.${change.status.toLowerCase()}`,
      subject: basket.id,
      actor: 'feegate',
      facts: { before: basket.status },
    })),
  )
}

/** The payer's bank time of the payment that came last. */
function lastPaidAt({ invoices }: BasketRecord, now: Date): Date {
  const times = invoices.flatMap((invoice) =>
    partOf(invoice, invoices) === 'PAID' && invoice.paidAt !== null ? [invoice.paidAt.getTime()] : [],
  )
  return times.length === 0 ? now : new Date(Math.max(...times))
}
