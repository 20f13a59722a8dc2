import { accountSchema, type CounterConfig } from '../../adapters/counter/account.ts'
import type { OpenRailAccount, RailAccounts } from '../rails/accounts.ts'

/** The rail account under which cash for this beneficiary account is booked; null when counters take none for it. */
export async function cashAccountFor(
  railAccounts: RailAccounts,
  beneficiaryAccountId: string,
): Promise<OpenRailAccount | null> {
  const offered = await railAccounts.offeredFor(beneficiaryAccountId)
  return offered.find(({ rail }) => rail === 'counter') ?? null
}

export function counterConfigOf(account: OpenRailAccount): CounterConfig {
  return accountSchema.parse(account.config)
}
