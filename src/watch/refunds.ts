/**
 * Refunds at rails: sends what is approved, asks about what is not final, and finds what a process that died has left.
 * Rows are claimed by leases in the rows themselves (SKIP LOCKED), so any number of replicas send and ask each once.
 */
import { inquireRefund } from '../refund/inquire.ts'
import { type RefundRailOptions, railAccountOf } from '../refund/rail-order.ts'
import { loseSight } from '../refund/record-answer.ts'
import { nextRefundInquiryAt, sendLeaseMs } from '../refund/schedule.ts'
import { sendRefund } from '../refund/send.ts'
import { lockRefunds, type RefundRecord, type RefundRow, refundColumns, toRefund } from '../store/refunds.ts'

const claimSize = 20

/** One round of all three. Returns how many refunds it dealt with. */
export async function watchRefunds(options: RefundRailOptions): Promise<number> {
  const lost = await findLost(options)
  const asked = await inquireDueRefunds(options)
  return lost + asked + (await sendDueRefunds(options))
}

/** Sends approved refunds: of one payment one at a time. */
export async function sendDueRefunds(options: RefundRailOptions): Promise<number> {
  const { database, environment, log } = options
  const now = environment.now()
  // The claim takes row locks of refunds alone and waits for nothing, so it stands outside the lock order.
  const claimed = await database.query<{ id: string }>(
    `UPDATE refunds SET lease_until = $2 WHERE id IN (
       SELECT r.id FROM refunds r
        WHERE r.status = 'APPROVED' AND r.channel = 'RAIL_REVERSAL' AND r.next_send_at <= $1
          AND (r.lease_until IS NULL OR r.lease_until <= $1)
          AND NOT EXISTS (SELECT 1 FROM refunds o WHERE o.settlement_id = r.settlement_id
                             AND o.channel = 'RAIL_REVERSAL' AND o.status IN ('SENT', 'UNKNOWN'))
        ORDER BY r.next_send_at LIMIT ${claimSize} FOR UPDATE SKIP LOCKED) RETURNING id`,
    [now, new Date(now.getTime() + sendLeaseMs)],
  )
  await Promise.all(
    claimed.map(async ({ id }) => {
      try {
        await sendRefund(options, id)
      } catch (error) {
        // Where it stands is in the row; the lease brings it back.
        log.error({ err: error, refundId: id }, 'a refund could not be sent or written down')
      }
    }),
  )
  return claimed.length
}

export async function inquireDueRefunds(options: RefundRailOptions): Promise<number> {
  const claimed = await claimInquiries(options)
  await Promise.all(
    claimed.map(async (refund) => {
      try {
        await inquireRefund(options, refund)
      } catch (error) {
        options.log.warn({ err: error, refundId: refund.id }, 'an inquiry about a refund could not be written down')
      }
    }),
  )
  return claimed.length
}

async function claimInquiries({ database, environment }: RefundRailOptions): Promise<RefundRecord[]> {
  const now = environment.now()
  return await database.transaction(async (tx) => {
    const rows = await tx.query<RefundRow>(
      `SELECT ${refundColumns} FROM refunds r WHERE r.next_inquiry_at <= $1 AND r.status IN ('SENT', 'UNKNOWN')
        ORDER BY r.next_inquiry_at LIMIT ${claimSize} FOR UPDATE SKIP LOCKED`,
      [now],
    )
    if (rows.length === 0) return []
    const next = rows.map(({ id, sentAt, railRefundId, status }) => {
      const at = nextRefundInquiryAt(sentAt ?? now, railRefundId !== null, now)
      // SENT becomes UNKNOWN first: findLost sees that nothing is left to wait for.
      return { id, at, human: at === null && status === 'UNKNOWN' }
    })
    await tx.query(
      `UPDATE refunds r SET next_inquiry_at = n.at, inquiries = inquiries + 1, needs_human = n.human, updated_at = $2
         FROM json_to_recordset($1::json) AS n(id text, at timestamptz, human boolean) WHERE r.id = n.id`,
      [JSON.stringify(next), now],
    )
    return rows.map((row) => toRefund(row))
  })
}

/** Sent by a process that never wrote down an answer, or accepted by a rail that has been asked long enough. */
export async function findLost(options: RefundRailOptions): Promise<number> {
  const { database, environment } = options
  const now = environment.now()
  const left = await database.query<{ id: string }>(
    `SELECT id FROM refunds WHERE status = 'SENT' AND channel = 'RAIL_REVERSAL'
        AND (lease_until <= $1 OR (lease_until IS NULL AND next_inquiry_at IS NULL)) ORDER BY lease_until LIMIT ${claimSize}`,
    [now],
  )
  for (const { id } of left) {
    const account = await railAccountOf(options, id)
    await database.transaction(async (tx) => {
      const [refund] = await lockRefunds(tx, [id])
      if (refund === undefined || refund.status !== 'SENT') return
      const isOver = refund.leaseUntil === null && refund.nextInquiryAt === null
      if (!isOver && (refund.leaseUntil === null || refund.leaseUntil > now)) return
      await loseSight(tx, refund, {
        at: now,
        canInquire: account?.adapter.inquireRefund !== undefined,
        isOver,
        detail: isOver
          ? 'accepted, and asked about for thirty days'
          : 'the process that sent it never wrote down an answer',
      })
    })
  }
  return left.length
}
