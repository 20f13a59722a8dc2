/** What every source's credit notice comes down to, and what follows from it. */
import { z } from 'zod'
import { findPayCodes } from '../../src/domain/pay-code.ts'
import { parseReadableLocalTime } from '../../src/domain/vietnam-time.ts'
import type { CallbackReading, RefusalReason, Verdict } from '../contract.ts'

/** The account that credits must have come to. */
export type CollectionAccount = { readonly id: string; readonly accountNumber: string }

/** One movement on a bank account, verified as its source's. */
export type CreditNotice = {
  /** Dedupe key of the source (rails.md §2.6–§2.8). */
  readonly transactionId: string
  /** False for a debit, and for news that no money came. */
  readonly isCredit: boolean
  readonly amount: bigint
  /** Account, virtual account or sub-account the source names as receiver; one of them must be ours. */
  readonly receivers: readonly (string | null | undefined)[]
  /** Where the pay code may stand. */
  readonly texts: readonly (string | null | undefined)[]
  readonly paidAt: Date | null
  /** Empty values are left out. */
  readonly evidence: Readonly<Record<string, string | null | undefined>>
}

/** Our account → a credit → outcome. The amount is whatever came; the gateway weighs it (domain.md §7.4). */
export function readingOf(notice: CreditNotice, account: CollectionAccount): CallbackReading {
  if (!notice.receivers.includes(account.accountNumber))
    return refused('wrong-account', 'the notice is about another account')
  if (!notice.isCredit || notice.amount === 0n) return { kind: 'ignored', reason: 'no credit' }
  return {
    kind: 'outcome',
    outcome: {
      rail: 'vietqr',
      accountId: account.id,
      merchantRef: onlyPayCode(notice.texts),
      railTransactionId: notice.transactionId,
      kind: 'succeeded',
      amount: notice.amount,
      currency: 'VND',
      paidAt: notice.paidAt,
      source: 'CALLBACK',
      evidence: Object.fromEntries(
        Object.entries(notice.evidence).flatMap(([name, value]) =>
          value === null || value === undefined || value === '' ? [] : [[name, value.slice(0, 500)]],
        ),
      ),
    },
  }
}

/** The one pay code in all texts together; null for none or several: a person decides whose money it is. */
export function onlyPayCode(texts: readonly (string | null | undefined)[]): string | null {
  // A zero stands in no pay code: it keeps the end of one text and the begin of the next from making one.
  const codes = findPayCodes(texts.map((text) => text ?? '').join(' 0 '))
  return codes.length === 1 ? (codes[0] ?? null) : null
}

/** True when nothing is left to be told again. On a transfer rail money under no or another reference is on record too. */
export function isSettled(verdict: Verdict): boolean {
  switch (verdict.kind) {
    case 'refused':
    case 'unavailable':
      return false
    case 'amountMismatch':
      return verdict.settlementId !== null
    default:
      return true
  }
}

const earliest = Date.UTC(2020, 0, 1)
const latest = Date.UTC(2100, 0, 1)

/** `yyyy-MM-dd HH:mm:ss`, also without the space or the seconds, or milliseconds since 1970. Null for anything else. */
export function bankTime(text: string): Date | null {
  const [, date, minutes, seconds = ':00'] = /^(\d{4}-\d{2}-\d{2})[ T]?(\d{2}:\d{2})(:\d{2})?$/.exec(text) ?? []
  if (date !== undefined && minutes !== undefined) return parseReadableLocalTime(`${date} ${minutes}${seconds}`)
  const milliseconds = /^\d{13}$/.test(text) ? Number(text) : 0
  return milliseconds >= earliest && milliseconds < latest ? new Date(milliseconds) : null
}

export function refused(reason: RefusalReason, detail: string): CallbackReading {
  return { kind: 'refused', reason, detail }
}

export function malformed(error: z.ZodError): CallbackReading {
  return refused('malformed', z.prettifyError(error))
}
