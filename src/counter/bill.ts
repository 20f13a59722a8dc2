/** What a clerk sees of an invoice: enough to tell the payer what is owed, to whom, and whether cash may be taken for it. */

import { canonicalCode } from '../domain/codes/canonical.ts'
import type { InvoiceStatus } from '../domain/decision.ts'
import type { Transaction } from '../store/database.ts'
import { type CashAccount, counterConfigOf } from './cash-account.ts'

export type CounterBill = {
  readonly id: string
  readonly tenantId: string
  readonly status: InvoiceStatus
  readonly dossierCode: string
  readonly procedureCode: string
  readonly procedureName: string | null
  readonly collectingAgencyCode: string
  readonly collectingAgencyName: string
  readonly beneficiaryAccountId: string
  readonly payerName: string | null
  readonly payCode: string
  readonly payToken: string
  readonly total: bigint
  readonly expiresAt: Date
  readonly paidAt: Date | null
  /** A payer may be paying at a rail this moment: cash beside it would be paid twice. */
  readonly attemptUnderWay: boolean
  readonly items: readonly {
    readonly nameVi: string
    readonly kind: string
    readonly quantity: number
    readonly net: bigint
  }[]
}

export type BillQuery = { readonly id: string } | { readonly payCode: string } | { readonly dossierCode: string }

const mostBills = 20

type BillRow = Omit<CounterBill, 'items'> & {
  items: { nameVi: string; kind: string; quantity: number; net: string }[] | null
}

/** Invoices of the whole tenant, whichever agency collects (domain.md R10); newest first. What is no code finds nothing. */
export async function findBills(
  source: Pick<Transaction, 'query'>,
  tenantId: string,
  query: BillQuery,
  now: Date,
): Promise<CounterBill[]> {
  const rows = await source.query<BillRow>(
    `SELECT i.id, i.tenant_id AS "tenantId", i.status, i.dossier_code AS "dossierCode", i.procedure_code AS "procedureCode", p.body ->> 'nameVi' AS "procedureName",
            i.collecting_agency_code AS "collectingAgencyCode", a.name_vi AS "collectingAgencyName",
            i.beneficiary_account_id AS "beneficiaryAccountId",
            coalesce(i.parties #>> '{payer,name}', i.parties #>> '{submitter,name}') AS "payerName",
            i.pay_code AS "payCode", i.pay_token AS "payToken", i.total, i.expires_at AS "expiresAt", i.paid_at AS "paidAt",
            EXISTS (SELECT 1 FROM payments y WHERE y.invoice_id = i.id AND y.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN')
                       AND y.expires_at > $5
                       -- Showing a QR is no sign that anybody pays.
                       AND coalesce(y.instruction ->> 'kind', '') <> 'qr') AS "attemptUnderWay",
            (SELECT json_agg(json_build_object('nameVi', t.name_vi, 'kind', t.kind, 'quantity', t.quantity, 'net', t.net::text)
                      ORDER BY t.line_no) FROM invoice_items t WHERE t.invoice_id = i.id) AS items
       FROM invoices i JOIN agencies a ON a.code = i.collecting_agency_code
       LEFT JOIN procedures p ON p.tenant_id = i.tenant_id AND p.code = i.procedure_code
      WHERE i.tenant_id = $1
        AND ($2::text IS NULL OR i.id = $2)
        AND ($3::text IS NULL OR i.pay_code = $3)
        AND ($4::text IS NULL OR i.dossier_code = $4)
      ORDER BY i.id DESC LIMIT ${mostBills}`,
    [
      tenantId,
      'id' in query ? query.id : null,
      'payCode' in query ? query.payCode.trim().toUpperCase() : null,
      'dossierCode' in query ? canonical(query.dossierCode) : null,
      now,
    ],
  )
  return rows.map((row) => ({
    ...row,
    items: (row.items ?? []).map((item) => ({ ...item, net: BigInt(item.net) })),
  }))
}

/** Why no cash may be taken; null when it may. */
export type CashObstacle = 'NOT_OPEN' | 'EXPIRED' | 'NOT_OFFERED' | 'ABOVE_MAXIMUM' | 'BEING_PAID'

export function cashObstacle(bill: CounterBill, cash: CashAccount, now: Date): CashObstacle | null {
  if (bill.status !== 'ISSUED' && bill.status !== 'PAYING') return bill.status === 'EXPIRED' ? 'EXPIRED' : 'NOT_OPEN'
  if (bill.expiresAt <= now) return 'EXPIRED'
  if (cash.kind === 'none') return 'NOT_OFFERED'
  if (bill.total > BigInt(counterConfigOf(cash.account).cashMaximum)) return 'ABOVE_MAXIMUM'
  return bill.attemptUnderWay ? 'BEING_PAID' : null
}

function canonical(text: string): string {
  const parsed = canonicalCode(text, { vi: '', en: '' })
  return parsed.ok ? parsed.value.canonical : text
}
