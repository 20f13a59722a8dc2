/**
 * Double-entry postings of money news. FeeGate never holds money: the books say where the rails say it is,
 * and to whom it is owed.
 *
 * Accounts
 * - `rail:<railAccountId>`            asset: money the rail says it took for a creditor, not yet seen on a statement
 * - `collected:<beneficiaryAccountId>:<economicCode|->`  owed to the creditor, per fee kind (Law on fees, art. 14)
 * - `unapplied:<railAccountId>`       owed to payers: duplicates, excess, late or unknown money, until a human decides
 * - `reopened:<beneficiaryAccountId>` asset: debts that a reversal opened again
 * - `paid-out:<beneficiaryAccountId>` asset, below zero: refunds that left the creditor's own account and not the rail
 */
import type { Disposition } from './decision.ts'

/** Positive is a debit, negative a credit; whole VND. */
export type Posting = { readonly account: string; readonly amount: bigint }

export type PostingInput = {
  readonly disposition: Disposition
  readonly amount: bigint
  readonly railAccountId: string
  readonly beneficiaryAccountId: string | null
  readonly items: readonly { readonly economicCode: string | null; readonly net: bigint }[]
  /** For reversals: how the success had been booked. */
  readonly reverses?: readonly Posting[]
}

/** Postings that sum to zero, one per account, zero lines left out. */
export function postingsFor(input: PostingInput): Posting[] {
  const rail = `rail:${input.railAccountId}`
  const unapplied = `unapplied:${input.railAccountId}`
  switch (input.disposition) {
    case 'APPLIED':
    case 'OVERPAID': {
      const collected = input.items.map(({ economicCode, net }) => ({
        account: `collected:${input.beneficiaryAccountId ?? ''}:${economicCode ?? '-'}`,
        amount: -net,
      }))
      const owed = input.items.reduce((sum, item) => sum + item.net, 0n)
      return merge([
        { account: rail, amount: input.amount },
        ...collected,
        { account: unapplied, amount: owed - input.amount },
      ])
    }
    case 'DUPLICATE':
    case 'UNAPPLIED':
    case 'UNDERPAID':
    case 'ORPHAN':
      return [
        { account: rail, amount: input.amount },
        { account: unapplied, amount: -input.amount },
      ]
    case 'REVERSED': {
      // What was owed to payers is owed no more; what was collected becomes a debt that is open again.
      const undone = (input.reverses ?? []).map((posting) =>
        posting.account.startsWith('collected:')
          ? { account: `reopened:${input.beneficiaryAccountId ?? ''}`, amount: -posting.amount }
          : { account: posting.account, amount: -posting.amount },
      )
      return merge(undone)
    }
  }
}

export type RefundPostingInput = {
  readonly amount: bigint
  /** True: out of the creditor's account (a payout order); false: the rail gave it back itself. */
  readonly payout: boolean
  readonly railAccountId: string
  readonly beneficiaryAccountId: string
  /** What was collected, per fee; empty for money that paid nothing. */
  readonly items: readonly { readonly economicCode: string | null; readonly amount: bigint }[]
}

/** A refund that is done: owed no more to the creditor (or to the payer), and no more where it was. */
export function refundPostings(input: RefundPostingInput): Posting[] {
  const owed =
    input.items.length === 0
      ? [{ account: `unapplied:${input.railAccountId}`, amount: input.amount }]
      : input.items.map(({ economicCode, amount }) => ({
          account: `collected:${input.beneficiaryAccountId}:${economicCode ?? '-'}`,
          amount,
        }))
  const from = input.payout ? `paid-out:${input.beneficiaryAccountId}` : `rail:${input.railAccountId}`
  return merge([...owed, { account: from, amount: -input.amount }])
}

function merge(postings: readonly Posting[]): Posting[] {
  const sums = new Map<string, bigint>()
  for (const { account, amount } of postings) sums.set(account, (sums.get(account) ?? 0n) + amount)
  return [...sums].filter(([, amount]) => amount !== 0n).map(([account, amount]) => ({ account, amount }))
}
