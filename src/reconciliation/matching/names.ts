/** Which invoices and attempts of ours the remaining lines name, in structured references (level 2) and in text (level 3). */
import type { Transaction } from '../../store/database.ts'
import type { RunScope } from './working-set.ts'

export async function findNames(tx: Transaction, { tenantId }: RunScope): Promise<void> {
  await tx.query(
    `CREATE TEMP TABLE w_keys ON COMMIT DROP AS
     SELECT DISTINCT line_id, bank, key FROM w_lines, unnest(array_append(coalesce(refs, '{}'), bank_reference)) AS key WHERE key IS NOT NULL`,
    [],
  )
  await tx.query(
    `CREATE TEMP TABLE w_texts ON COMMIT DROP AS
     SELECT line_id, bank, key AS ref, 2 AS level FROM w_keys
     UNION SELECT line_id, bank, code, 2 FROM w_lines, unnest(ref_codes) AS code
     UNION SELECT line_id, bank, code, 3 FROM w_lines, unnest(text_codes) AS code
     UNION SELECT line_id, bank, word, 3 FROM w_lines, unnest(words) AS word`,
    [],
  )
  await tx.query(`ANALYZE w_keys`, [])
  await tx.query('CREATE INDEX ON w_texts (line_id)', [])
  await tx.query(`ANALYZE w_texts`, [])
  // One row per line and invoice: an attempt's own reference says more than the pay code.
  await tx.query(
    `CREATE TEMP TABLE w_named ON COMMIT DROP AS
     SELECT DISTINCT ON (line_id, invoice_id) line_id, bank, ref, level, invoice_id, attempt_account, invoice_bank
       FROM (
         SELECT t.line_id, t.bank, t.ref, t.level, v.id AS invoice_id, NULL::text AS attempt_account, v.beneficiary_account_id
           FROM w_texts t JOIN invoices v ON v.pay_code = t.ref WHERE v.tenant_id = $1
         UNION ALL
         SELECT t.line_id, t.bank, t.ref, t.level, p.invoice_id, p.rail_account_id, v.beneficiary_account_id
           FROM w_texts t JOIN run_accounts a ON a.bank = t.bank
           JOIN payments p ON p.rail_account_id = a.rail_account_id AND p.merchant_ref = t.ref
           JOIN invoices v ON v.id = p.invoice_id AND v.pay_code <> t.ref) named
      CROSS JOIN LATERAL (
        SELECT min(o.id) AS invoice_bank FROM beneficiary_accounts b
          JOIN beneficiary_accounts o ON o.tenant_id = b.tenant_id AND o.bank_bin = b.bank_bin AND o.account_number = b.account_number
         WHERE b.id = named.beneficiary_account_id) whose
      ORDER BY line_id, invoice_id, attempt_account IS NULL, level, ref`,
    [tenantId],
  )
  await tx.query('CREATE INDEX ON w_named (line_id)', [])
  await tx.query(`ANALYZE w_named`, [])
}
