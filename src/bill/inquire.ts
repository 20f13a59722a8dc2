/** What a pay code owes, as a bank may know it (rails.md §3.2). Reads only. */
import type { BillAnswer } from '../../adapters/contract.ts'
import type { InvoiceStatus } from '../domain/decision.ts'
import type { Environment } from '../environment.ts'
import { type OpenRailAccount, takesAmount } from '../rails/accounts.ts'
import type { Database } from '../store/database.ts'

type BillRow = {
  id: string
  pay_code: string
  status: InvoiceStatus
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
  database: Database,
  environment: Environment,
  account: OpenRailAccount,
  payCode: string,
): Promise<BillAnswer> {
  // A paused account takes no new payments; what is reported all the same still goes on record.
  if (account.status !== 'ACTIVE') return { kind: 'unavailable' }
  const [row] = await database.query<BillRow>(
    `SELECT i.id, i.pay_code, i.status, i.total, i.expires_at, a.name_vi AS agency_name,
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
  if (!takesAmount(account, row.total)) return { kind: 'notPayable', why: 'closed' }
  return {
    kind: 'payable',
    payCode: row.pay_code,
    amount: row.total,
    payerName: row.payer_name ?? row.agency_name,
    billId: row.id,
  }
}
