import { accountSchema, type CounterConfig } from '../../adapters/counter/account.ts'
import { refusalsOf } from '../domain/routing.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import type { Demand, Router } from '../rails/router.ts'

/** The rail account under which cash for a demand is booked, or why counters take none for it. */
export type CashAccount =
  | { readonly kind: 'account'; readonly account: OpenRailAccount }
  | { readonly kind: 'none'; readonly vi: string; readonly en: string }

/** By the operator's rules like any rail (docs/routing.md); only that nothing can be started on it is no fault of a counter. */
export async function cashAccountFor(routes: Router, demand: Omit<Demand, 'channel' | 'locale'>): Promise<CashAccount> {
  const counters = (await routes({ ...demand, channel: 'COUNTER', locale: 'vi' }))
    .filter(({ account }) => account.rail === 'counter')
    .map((route) => ({
      account: route.account,
      refusals: refusalsOf(route).filter(({ code }) => code !== 'startable'),
    }))
  const open = counters.find(({ refusals }) => refusals.length === 0)
  if (open !== undefined) return { kind: 'account', account: open.account }
  const refusals = counters[0]?.refusals ?? []
  return {
    kind: 'none',
    vi: refusals.map(({ vi }) => vi).join(' ') || 'Quầy không nhận tiền mặt cho khoản này.',
    en: refusals.map(({ en }) => en).join(' ') || 'Counters take no cash for this.',
  }
}

export function counterConfigOf(account: OpenRailAccount): CounterConfig {
  return accountSchema.parse(account.config)
}
