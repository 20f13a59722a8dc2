/**
 * How often one invoice may be begun to pay. Nobody who pays comes near; whoever has a link could otherwise make a bank send one-time
 * codes to a stranger's phone without end, or guess them by a new attempt for every three tries.
 */
import type { Adapter } from '../../adapters/contract.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'

/** Attempts in an hour: of an invoice, and of those at one account whose bank sends a code. */
export const attemptsAnHour = { all: 40, withCode: 6 } as const

const hourMs = 60 * 60 * 1000

/** The caller holds the invoice's lock. @throws Problem RATE_LIMITED that says when the next may begin */
export async function limitAttempts(
  tx: Transaction,
  invoiceId: string,
  account: { readonly id: string; readonly adapter: Pick<Adapter, 'confirm'> },
  now: Date,
): Promise<void> {
  const begun = await tx.query<{ railAccountId: string; createdAt: Date }>(
    `SELECT rail_account_id AS "railAccountId", created_at AS "createdAt" FROM payments WHERE invoice_id = $1 AND created_at > $2
      ORDER BY created_at DESC LIMIT ${attemptsAnHour.all}`,
    [invoiceId, new Date(now.getTime() - hourMs)],
  )
  const here = begun.filter(({ railAccountId }) => railAccountId === account.id)
  // The one that must be an hour old before another may begin.
  const inTheWay =
    begun[attemptsAnHour.all - 1] ??
    (account.adapter.confirm === undefined ? undefined : here[attemptsAnHour.withCode - 1])
  if (inTheWay === undefined) return
  throw new Problem('RATE_LIMITED', {
    vi: 'Khoản này đã được bắt đầu thanh toán quá nhiều lần trong một giờ: chờ rồi thử lại, hoặc chọn cách khác.',
    en: 'Payment of this invoice was begun too often within an hour: wait and try again, or choose another way.',
    retryAfterSeconds: Math.max(1, Math.ceil((inTheWay.createdAt.getTime() + hourMs - now.getTime()) / 1000)),
  })
}
