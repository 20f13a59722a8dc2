/**
 * Taking cash. Unlike a bank, a counter does not report money that has come: it asks whether it may take it. So everything is
 * decided and booked under the invoice's lock in one commit, and of two clerks at once one is told to give the money back.
 */
import { cashFault } from '../domain/counter.ts'
import type { InvoiceStatus } from '../domain/decision.ts'
import { type Environment, newId } from '../environment.ts'
import { lockInvoice } from '../payment/end-attempt.ts'
import { Problem } from '../problem/problem.ts'
import { settleAll } from '../settlement/settle.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'
import { type CounterBill, cashObstacle, findBills } from './bill.ts'
import { type CashAccount, counterConfigOf } from './cash-account.ts'
import { type Clerk, lockOpenShift } from './shift.ts'

export type CollectRequest = {
  readonly invoiceId: string
  /** Null: exactly what is owed. */
  readonly cashGiven: bigint | null
  /** The clerk has asked the payer, who is not paying elsewhere. */
  readonly despiteOpenAttempt: boolean
}

/** Returns the id of the collection. Throws a `Problem` that says what to do with the cash on the table. */
export async function collectCash(
  tx: Transaction,
  environment: Environment,
  clerk: Clerk,
  /** Where cash for this invoice is booked. */
  cash: CashAccount,
  request: CollectRequest,
): Promise<string> {
  const now = environment.now()
  await lockInvoice(tx, request.invoiceId)
  const shift = await lockOpenShift(tx, clerk)
  const [bill] = await findBills(tx, clerk.tenantId, { id: request.invoiceId }, now)
  if (bill === undefined) throw new Problem('NOT_FOUND')
  refuseUnless(bill, cash, request, now)
  if (cash.kind === 'none') throw new Problem('RAIL_NOT_OFFERED', cash)
  const { account } = cash
  if (account.beneficiaryAccountId !== bill.beneficiaryAccountId) throw new Problem('RAIL_NOT_OFFERED')
  const cashGiven = request.cashGiven ?? bill.total
  const fault = cashFault({
    total: bill.total,
    given: cashGiven,
    maximum: BigInt(counterConfigOf(account).cashMaximum),
  })
  if (fault === 'notEnough') throw new Problem('CASH_NOT_ENOUGH')
  if (fault === 'aboveMaximum') throw new Problem('RAIL_NOT_OFFERED', aboveMaximum)

  const id = newId(environment, 'col')
  const [settled] = await settleAll(
    tx,
    [
      {
        outcome: {
          rail: account.rail,
          accountId: account.id,
          merchantRef: bill.payCode,
          railTransactionId: id,
          kind: 'succeeded',
          amount: bill.total,
          currency: 'VND',
          paidAt: now,
          source: 'COUNTER',
          evidence: {
            operator: clerk.subject,
            unit: shift.unitCode,
            shift: shift.id,
            cashGiven: cashGiven.toString(),
            ...(bill.attemptUnderWay ? { despiteOpenAttempt: 'yes' } : {}),
          },
        },
        transferRail: account.adapter.capabilities.transfer,
      },
    ],
    environment,
  )
  // Under the lock nothing else can have come of it; if it has, nothing of this is kept and no cash is taken.
  if (settled?.rule !== 'first-success' || settled.settlementId === null) throw new Problem('INVOICE_NOT_OPEN')
  const [{ next } = { next: 1 }] = await tx.query<{ next: number }>(
    'SELECT coalesce(max(slip_no), 0) + 1 AS next FROM counter_collections WHERE shift_id = $1',
    [shift.id],
  )
  await insertAll(tx, 'counter_collections', [
    {
      id,
      tenant_id: clerk.tenantId,
      shift_id: shift.id,
      slip_no: next,
      invoice_id: bill.id,
      settlement_id: settled.settlementId,
      rail_account_id: account.id,
      amount: bill.total,
      cash_given: cashGiven,
      change_given: cashGiven - bill.total,
      collected_by: clerk.subject,
      collected_at: now,
    },
  ])
  await appendJournal(tx, [
    {
      tenantId: clerk.tenantId,
      at: now,
      kind: 'counter.collected',
      subject: id,
      actor: clerk.subject,
      facts: { invoiceId: bill.id, shiftId: shift.id, unitCode: shift.unitCode, amount: bill.total.toString() },
    },
  ])
  return id
}

const notOpen: Readonly<Partial<Record<InvoiceStatus, { vi: string; en: string }>>> = {
  PAID: {
    vi: 'Khoản thu đã được thanh toán. Trả lại tiền cho người nộp.',
    en: 'It is paid already. Give the cash back.',
  },
  WAIVED: { vi: 'Không phải nộp tiền.', en: 'Nothing is owed.' },
  SUPERSEDED: {
    vi: 'Khoản thu đã được thay thế: tra lại bằng mã hồ sơ.',
    en: 'It was replaced: look it up again by the dossier code.',
  },
}

const aboveMaximum = {
  vi: 'Vượt mức tiền mặt của quầy: cho người nộp quét mã QR.',
  en: 'More than the counter takes in cash: show the QR.',
}

function refuseUnless(bill: CounterBill, cash: CashAccount, request: CollectRequest, now: Date): void {
  switch (cashObstacle(bill, cash, now)) {
    case null:
      return
    case 'NOT_OPEN':
      throw new Problem('INVOICE_NOT_OPEN', notOpen[bill.status] ?? {})
    case 'EXPIRED':
      throw new Problem('INVOICE_NOT_OPEN', {
        vi: 'Khoản thu đã hết hạn: đề nghị cơ quan lập khoản thu mới.',
        en: 'It has expired: ask the agency for a new one.',
      })
    case 'NOT_OFFERED':
      throw new Problem('RAIL_NOT_OFFERED', cash.kind === 'none' ? cash : {})
    case 'ABOVE_MAXIMUM':
      throw new Problem('RAIL_NOT_OFFERED', aboveMaximum)
    case 'BEING_PAID':
      if (request.despiteOpenAttempt) return
      throw new Problem('INVOICE_BEING_PAID', {
        vi: 'Người nộp có thể đang thanh toán ở kênh khác. Hỏi lại; nếu không, gửi despiteOpenAttempt.',
        en: 'The payer may be paying elsewhere. Ask; if not so, send despiteOpenAttempt.',
        retryAfterSeconds: 60,
      })
  }
}
