/**
 * What the door must know before it decides: read and locked in one place.
 *
 * Lock order, everywhere in the gateway: invoices (in id order), then anything that hangs from them. Whoever holds an
 * invoice's row lock owns its payments, items and settlements, so no other lock is needed and no cycle can form.
 */
import type { Disposition } from '../domain/decision.ts'
import type { Posting } from '../domain/postings.ts'
import type { Transaction } from '../store/database.ts'
import { type BookInvoice, readInvoiceBook } from '../store/invoice-book.ts'
import { rowsToJson } from '../store/rows.ts'

export type BookSettlement = {
  id: string
  disposition: Disposition
  amount: bigint
  merchantRef: string | null
  postings: Posting[]
}

export type BookRailAccount = { id: string; tenantId: string; rail: string; beneficiaryAccountId: string }

export type Reference = { railAccountId: string; merchantRef: string | null; railTransactionId: string }

export type Books = {
  /** Invoice id by `railAccountId merchantRef`. */
  invoiceIdByReference: Map<string, string>
  invoices: Map<string, BookInvoice>
  railAccounts: Map<string, BookRailAccount>
  /** By `settlementKey`. */
  settlements: Map<string, BookSettlement>
  /** Money that a statement told of before its rail did, by `referenceKey`; there it stands under the bank's reference. */
  toldByStatement: Map<string, (BookSettlement & { railTransactionId: string })[]>
}

export function referenceKey(railAccountId: string, merchantRef: string): string {
  return `${railAccountId} ${merchantRef}`
}

export function settlementKey(railAccountId: string, railTransactionId: string, direction: 'IN' | 'OUT'): string {
  return `${direction} ${railAccountId} ${railTransactionId}`
}

/** Locks every invoice that the references lead to, then reads all that the decisions depend on. */
export async function openBooks(tx: Transaction, references: readonly Reference[]): Promise<Books> {
  const named = references.filter((reference) => reference.merchantRef !== null)
  const resolved = await tx.query<{ account: string; ref: string; invoice_id: string }>(
    `SELECT r.account, r.ref, coalesce(p.invoice_id, i.id) AS invoice_id
       FROM json_to_recordset($1::json) AS r(account text, ref text)
       LEFT JOIN payments p ON p.rail_account_id = r.account AND p.merchant_ref = r.ref
       LEFT JOIN invoices i ON i.pay_code = r.ref
      WHERE p.id IS NOT NULL OR i.id IS NOT NULL`,
    [rowsToJson(named.map(({ railAccountId, merchantRef }) => ({ account: railAccountId, ref: merchantRef })))],
  )
  const invoiceIds = [...new Set(resolved.map((row) => row.invoice_id))].sort()
  if (invoiceIds.length > 0) {
    // In id order, so that two batches that share invoices wait for one another and never deadlock.
    await tx.query('SELECT id FROM invoices WHERE id = ANY($1) ORDER BY id FOR UPDATE', [invoiceIds])
  }
  // After the locks: each statement sees what the transaction we waited for has committed.
  const invoices = invoiceIds.length === 0 ? [] : await readInvoiceBook(tx, invoiceIds)
  const accountIds = [...new Set(references.map((reference) => reference.railAccountId))]
  const railAccounts = await tx.query<BookRailAccount>(
    `SELECT id, tenant_id AS "tenantId", rail, beneficiary_account_id AS "beneficiaryAccountId" FROM rail_accounts WHERE id = ANY($1)`,
    [accountIds],
  )
  const settlements = await tx.query<{
    id: string
    account: string
    txn: string
    direction: 'IN' | 'OUT'
    disposition: Disposition
    amount: bigint
    merchantRef: string | null
    postings: { account: string; amount: string }[] | null
    told: boolean
  }>(
    `SELECT DISTINCT s.told, s.id, s.rail_account_id AS account, s.rail_transaction_id AS txn, s.direction, s.disposition, s.amount, s.merchant_ref AS "merchantRef",
            (SELECT json_agg(json_build_object('account', p.account, 'amount', p.amount::text) ORDER BY p.line_no)
               FROM ledger_transactions t JOIN ledger_postings p ON p.transaction_id = t.id WHERE t.settlement_id = s.id)::jsonb AS postings
       FROM json_to_recordset($1::json) AS r(account text, txn text, ref text)
      CROSS JOIN LATERAL (
        SELECT *, false AS told FROM settlements WHERE rail_account_id = r.account AND rail_transaction_id = r.txn
        UNION ALL
        SELECT *, true FROM settlements WHERE source = 'STATEMENT' AND rail_account_id = r.account AND merchant_ref = r.ref AND rail_transaction_id <> r.txn
           AND direction = 'IN') s`,
    [
      rowsToJson(
        references.map(({ railAccountId, railTransactionId, merchantRef }) => ({
          account: railAccountId,
          txn: railTransactionId,
          ref: merchantRef,
        })),
      ),
    ],
  )
  const toldByStatement: Books['toldByStatement'] = new Map()
  for (const row of settlements) {
    if (!row.told || row.merchantRef === null) continue
    const key = referenceKey(row.account, row.merchantRef)
    toldByStatement.set(key, [
      ...(toldByStatement.get(key) ?? []),
      { ...bookSettlement(row), railTransactionId: row.txn },
    ])
  }
  return {
    invoiceIdByReference: new Map(resolved.map((row) => [referenceKey(row.account, row.ref), row.invoice_id])),
    invoices: new Map(invoices.map((invoice) => [invoice.id, invoice])),
    railAccounts: new Map(railAccounts.map((account) => [account.id, account])),
    settlements: new Map(
      settlements
        .filter(({ told }) => !told)
        .map((row) => [settlementKey(row.account, row.txn, row.direction), bookSettlement(row)]),
    ),
    toldByStatement,
  }
}

function bookSettlement(
  row: Omit<BookSettlement, 'postings'> & { postings: { account: string; amount: string }[] | null },
): BookSettlement {
  const { id, disposition, amount, merchantRef } = row
  return {
    id,
    disposition,
    amount,
    merchantRef,
    postings: (row.postings ?? []).map((posting) => ({ account: posting.account, amount: BigInt(posting.amount) })),
  }
}
