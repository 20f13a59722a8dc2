/** When the gateway comes back to a refund at a rail. */
import { nextInquiryAt } from '../payment/inquiry-schedule.ts'

const minute = 60_000
const hour = 60 * minute

/** Four calls of two minutes each at most, and room to write down what came of them. */
export const sendLeaseMs = 10 * minute

/** While its rail is known to be away, or another refund of the payment is under way. */
export const postponeMs = minute

/** After the n-th sending that found no connection: 1, 2, 4 … minutes, at most an hour. */
export function resendAfterMs(failures: number): number {
  return Math.min(hour, minute * 2 ** Math.min(Math.max(failures - 1, 0), 10))
}

/** Of a refund nobody answered for: as a payment's, three days. One the rail works on: banks take weeks, so daily for thirty days. */
const lastDayUnanswered = 3
const lastDayAccepted = 30

export function nextRefundInquiryAt(sentAt: Date, isAccepted: boolean, now: Date): Date | null {
  return nextInquiryAt(sentAt, now, isAccepted ? lastDayAccepted : lastDayUnanswered)
}
