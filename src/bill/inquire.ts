/** What a pay code owes, as a bank may know it (rails.md §3.2). Reads only. */
import type { BillAnswer } from '../../adapters/contract.ts'
import type { InvoiceStatus } from '../domain/decision.ts'
import { type CheckCode, refusalsOf } from '../domain/routing.ts'
import type { Environment } from '../environment.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import type { Router } from '../rails/router.ts'
import type { Database } from '../store/database.ts'

type BillRow = {
  id: string
  pay_code: string
  status: InvoiceStatus
  agency_code: string
  procedure_code: string
  total: bigint
  expires_at: Date
  payer_name: string | null
  agency_name: string
  taken_back: boolean
}

type NotPayable = Extract<BillAnswer, { kind: 'notPayable' }>['why']

/** Why a bill of this state cannot be paid; null when it can. */
const whyByStatus: Readonly<Record<InvoiceStatus, NotPayable | null>> = {
  ISSUED: null,
  PAYING: null,
  PAID: 'paid',
  PARTIALLY_REFUNDED: 'paid',
  REFUNDED: 'paid',
  EXPIRED: 'expired',
  WAIVED: 'closed',
  CANCELLED: 'closed',
  SUPERSEDED: 'closed',
}

/**
 * The bill behind a pay code. A code of another tenant, or of a creditor whose account this bank does not collect for, is as
 * unknown as one that was never given out. Of the payer the answer holds the name and nothing else, and only while it can be paid.
 */
export async function inquireBill(
  context: { readonly database: Database; readonly environment: Environment; readonly routes: Router },
  account: OpenRailAccount,
  payCode: string,
): Promise<BillAnswer> {
  const { database, environment } = context
  // A paused account takes no new payments; what is reported all the same still goes on record.
  if (account.status !== 'ACTIVE') return { kind: 'unavailable' }
  const [row] = await database.query<BillRow>(
    `SELECT i.id, i.pay_code, i.status, i.collecting_agency_code AS agency_code, i.procedure_code, i.total, i.expires_at, a.name_vi AS agency_name,
            coalesce(i.parties #>> '{payer,name}', i.parties #>> '{submitter,name}') AS payer_name,
            -- Paid, and the money was taken back: this demand is over, the agency issues another (docs/decisions/014).
            EXISTS (SELECT 1 FROM settlements s JOIN settlements r ON r.rail_account_id = s.rail_account_id
                       AND r.rail_transaction_id = s.rail_transaction_id AND r.direction = 'OUT'
                     WHERE s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')) AS taken_back
       FROM invoices i JOIN agencies a ON a.code = i.collecting_agency_code
      WHERE i.pay_code = $1 AND i.tenant_id = $2 AND i.beneficiary_account_id = $3`,
    [payCode, account.tenantId, account.beneficiaryAccountId],
  )
  if (row === undefined) return { kind: 'notPayable', why: 'unknown' }
  const why = row.taken_back ? 'closed' : whyByStatus[row.status]
  if (why !== null) return { kind: 'notPayable', why }
  if (row.expires_at <= environment.now()) return { kind: 'notPayable', why: 'expired' }
  const refusal = await refusalOf(context.routes, account, row)
  if (refusal !== null) return refusal
  return {
    kind: 'payable',
    payCode: row.pay_code,
    amount: row.total,
    payerName: row.payer_name ?? row.agency_name,
    billId: row.id,
  }
}

/** Checks about starting at a machine of ours, about the place and the language of our page: the bank has its own. */
const ofOurPage: readonly CheckCode[] = ['startable', 'channel', 'locale', 'circuit']

/**
 * The operator's rules hold here too (docs/routing.md): a bill that this account does not take now is asked for later, one it does
 * not take at all is none of this bank's.
 */
async function refusalOf(routes: Router, account: OpenRailAccount, row: BillRow): Promise<BillAnswer | null> {
  const route = (
    await routes({
      tenantId: account.tenantId,
      beneficiaryAccountId: account.beneficiaryAccountId,
      agencyCode: row.agency_code,
      procedureCode: row.procedure_code,
      amount: row.total,
      channel: 'COUNTER',
      locale: 'vi',
      invoiceId: row.id,
    })
  ).find((candidate) => candidate.account.id === account.id)
  const refusals = route === undefined ? [] : refusalsOf(route).filter(({ code }) => !ofOurPage.includes(code))
  if (refusals.length === 0) return null
  return refusals.every(({ passing }) => passing) ? { kind: 'unavailable' } : { kind: 'notPayable', why: 'unknown' }
}
