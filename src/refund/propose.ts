/** From what somebody asks to what a refund row holds: the rules of domain/refund-rules.ts applied to one payment. */
import { findAdapter } from '../../adapters/registry.ts'
import { isPayout, type RefundChannel } from '../domain/refund.ts'
import {
  allot,
  type ChannelFacts,
  channelFault,
  defaultChannel,
  type RefundItem,
  type RefundReason,
  reasonRules,
} from '../domain/refund-rules.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { Problem } from '../problem/problem.ts'
import type { PaidRecord } from '../store/paid-money.ts'
import type { Payee, RefundRecord } from '../store/refunds.ts'
import type { Row } from '../store/rows.ts'
import type { PayeeColumns } from './payee.ts'
import { allotmentProblem, channelProblem } from './refusals.ts'

export type RefundProposal = {
  readonly reason: RefundReason
  readonly legalBasis: string
  readonly note?: string | undefined
  /** The other payment of the same debt, for the reasons that need it. */
  readonly otherPayment?: string | undefined
  readonly items?: readonly { readonly lineNo: number; readonly amount?: bigint | undefined }[] | undefined
  readonly amount?: bigint | undefined
  /** Absent: the rail on the day of payment, the account's own way out later. */
  readonly channel?: RefundChannel | undefined
  readonly payee?: Payee | undefined
}

export type ProposedRefund = {
  readonly amount: bigint
  readonly items: readonly RefundItem[]
  readonly channel: RefundChannel
}

/** `paid` without the refund that is being shaped. Throws a Problem that says why not. */
export function propose(
  proposal: RefundProposal,
  askedBy: 'portal' | 'officer',
  paid: PaidRecord,
  now: Date,
): ProposedRefund {
  const { reason, channel } = proposal
  checkReason(proposal, askedBy)
  const allotted = allot(
    {
      reason,
      ...(proposal.items === undefined ? {} : { items: proposal.items }),
      ...(proposal.amount === undefined ? {} : { amount: proposal.amount }),
    },
    paid,
  )
  if (!allotted.ok) throw allotmentProblem(allotted, reason, paid)
  const facts = channelFactsOf(paid, allotted.amount, now)
  const chosen = channel ?? defaultChannel(facts)
  const fault = channelFault(chosen, facts)
  if (fault !== null) throw channelProblem(chosen, fault)
  return { amount: allotted.amount, items: allotted.items, channel: chosen }
}

export function checkReason({ reason, otherPayment }: RefundProposal, askedBy: 'portal' | 'officer'): void {
  const rule = reasonRules[reason]
  if (!rule.askedBy.includes(askedBy))
    throw new Problem('REFUND_NOT_ALLOWED', {
      vi: `Lý do ${reason} do cán bộ tài chính nêu.`,
      en: `The reason ${reason} is for finance officers.`,
    })
  if (rule.needsOtherPayment && otherPayment === undefined)
    throw new Problem('INVALID_REQUEST', {
      errors: [
        {
          field: 'otherPayment',
          code: 'missing',
          vi: 'nêu giao dịch hoặc biên lai kia',
          en: 'name the other payment or receipt',
        },
      ],
    })
}

export function channelFactsOf(paid: PaidRecord, amount: bigint, now: Date): ChannelFacts {
  return {
    creditor: paid.creditor,
    hasTax: paid.items.some(({ kind }) => kind === 'TAX'),
    railRefund: findAdapter(paid.rail)?.capabilities.refund ?? 'none',
    hasAttempt: paid.paymentId !== null,
    isWhole: amount === paid.amount,
    paidToday: businessDate(paid.paidAt) === businessDate(now),
  }
}

/** The payment as it is without this refund: what the refund may take from. */
export function without(paid: PaidRecord, refundId: string): PaidRecord {
  return { ...paid, refunds: paid.refunds.filter(({ id }) => id !== refundId) }
}

/** Columns that a proposal sets. */
export function proposalColumns(proposal: RefundProposal, proposed: ProposedRefund | null, payee: PayeeColumns): Row {
  return {
    reason: proposal.reason,
    legal_basis: proposal.legalBasis,
    note: proposal.note ?? null,
    other_payment: proposal.otherPayment ?? null,
    ...payee,
    ...(proposed === null
      ? {}
      : {
          amount: proposed.amount,
          // Amounts as text: JSON numbers of a database are not bound to be exact.
          items: proposed.items.map(({ lineNo, amount }) => ({ lineNo, amount: amount.toString() })),
          channel: proposed.channel,
        }),
  }
}

/** What is missing before another person may approve; null when nothing is. */
export function missingOf(refund: RefundRecord): { readonly vi: string; readonly en: string } | null {
  if (refund.legalBasis === null || refund.channel === null)
    return {
      vi: 'Hồ sơ do hệ thống mở: cán bộ phải lập yêu cầu (lý do, căn cứ, kênh) trước khi duyệt.',
      en: 'The gateway opened this case: an officer must prepare it (reason, basis, channel) first.',
    }
  if (isPayout(refund.channel) && refund.payee === null)
    return {
      vi: 'Thiếu tài khoản nhận tiền hoàn (số tài khoản, tên, ngân hàng).',
      en: 'The account to pay to is missing (number, name, bank).',
    }
  return null
}
