import type { BillView } from '../../adapters/contract.ts'
import type { Transaction } from '../store/database.ts'

type BillRow = {
  account_number: string
  account_name: string
  bank_bin: string
  agency_code: string
  agency_name: string
  procedure_code: string
  procedure_name: string | null
  online_service_code: string | null
  payer_name: string | null
  lines: { kind: BillView['lines'][number]['kind']; code: string | null; name: string; amount: string }[]
}

/** What an invoice is for, as rails may show it; of the payer only the name. Lines that cost nothing are left out. */
export async function readBillView(tx: Transaction, invoiceId: string): Promise<BillView> {
  const [row] = await tx.query<BillRow>(
    `SELECT b.account_number, b.account_name, b.bank_bin, a.code AS agency_code, a.name_vi AS agency_name,
            i.procedure_code, p.body ->> 'nameVi' AS procedure_name, i.online_service_code,
            coalesce(i.parties #>> '{payer,name}', i.parties #>> '{submitter,name}') AS payer_name,
            (SELECT json_agg(json_build_object('kind', t.kind, 'code', t.economic_code, 'name', t.name_vi, 'amount', t.net::text)
                      ORDER BY t.line_no) FROM invoice_items t WHERE t.invoice_id = i.id AND t.net > 0) AS lines
       FROM invoices i
       JOIN beneficiary_accounts b ON b.id = i.beneficiary_account_id
       JOIN agencies a ON a.code = i.collecting_agency_code
       LEFT JOIN procedures p ON p.tenant_id = i.tenant_id AND p.code = i.procedure_code
      WHERE i.id = $1`,
    [invoiceId],
  )
  if (row === undefined) throw new Error(`invoice ${invoiceId} is gone under its own lock`)
  return {
    beneficiary: { accountNumber: row.account_number, accountName: row.account_name, bankBin: row.bank_bin },
    agency: { code: row.agency_code, name: row.agency_name },
    procedure: { code: row.procedure_code, name: row.procedure_name ?? row.procedure_code },
    onlineServiceCode: row.online_service_code,
    lines: row.lines.map((line) => ({ ...line, amount: BigInt(line.amount) })),
    payerName: row.payer_name,
  }
}
