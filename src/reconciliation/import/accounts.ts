/** Which of our bank accounts a statement is about. */
import type { Transaction } from '../../store/database.ts'

export type BankAccount = {
  /** Lowest id of the beneficiary accounts that name it. */
  readonly beneficiaryAccountId: string
  readonly bankBin: string
  readonly accountNumber: string
  readonly railAccounts: number
}

export async function readBankAccounts(tx: Pick<Transaction, 'query'>, tenantId: string): Promise<BankAccount[]> {
  return await tx.query<BankAccount>(
    `SELECT min(b.id) AS "beneficiaryAccountId", b.bank_bin AS "bankBin", b.account_number AS "accountNumber", count(r.id)::integer AS "railAccounts"
       FROM beneficiary_accounts b LEFT JOIN rail_accounts r ON r.beneficiary_account_id = b.id
      WHERE b.tenant_id = $1 GROUP BY b.bank_bin, b.account_number`,
    [tenantId],
  )
}

/**
 * The account as a statement writes it: alone, or behind a bank code and a slash. Leading zeros matter (statements.md §3): a
 * number that only ends like ours is not ours.
 */
export function findBankAccount(accounts: readonly BankAccount[], text: string): readonly BankAccount[] {
  const written = text.toUpperCase().replace(/[\s.-]/g, '')
  const behindSlash = written.slice(written.lastIndexOf('/') + 1)
  return accounts.filter(({ accountNumber }) => accountNumber === written || accountNumber === behindSlash)
}
