/** Asks the pure decision of `domain/routing.ts` with what this process knows: accounts, rules, circuits, the clock. */

import type { RouteAccount, RouteQuestion } from '../domain/routing/checks.ts'
import { decideRoutes, type Route } from '../domain/routing.ts'
import type { Environment } from '../environment.ts'
import type { CircuitBreaker } from '../network/circuit-breaker.ts'
import type { OpenRailAccount, RailAccounts } from './accounts.ts'
import type { Rulebooks } from './rulebooks.ts'

/** What is to be paid, to which account. */
export type Demand = Omit<RouteQuestion, 'at'> & {
  readonly tenantId: string
  readonly beneficiaryAccountId: string
  /** Now, when it is left out. */
  readonly at?: Date
}

export type RailRoute = Omit<Route, 'account'> & { readonly account: OpenRailAccount }

/** Every rail account that pays into the demand's beneficiary account, with its standing, in the order of `decideRoutes`. */
export type Router = (demand: Demand) => Promise<RailRoute[]>

/** A question about this much of the past is still about now. */
const nowMs = 10_000

export function createRouter({
  railAccounts,
  rulebooks,
  breaker,
  environment,
}: {
  readonly railAccounts: RailAccounts
  readonly rulebooks: Rulebooks
  readonly breaker: CircuitBreaker
  readonly environment: Environment
}): Router {
  return async ({ tenantId, beneficiaryAccountId, at = environment.now(), ...question }) => {
    const accounts = (await railAccounts.payingInto(beneficiaryAccountId)).filter(
      (account) => account.tenantId === tenantId,
    )
    const rulebook = await rulebooks.of(tenantId)
    const byId = new Map(accounts.map((account) => [account.id, account]))
    return decideRoutes(
      accounts.map((account) => routeAccount(account, at)),
      { ...question, at },
      rulebook,
    ).flatMap((route) => {
      const account = byId.get(route.account.id)
      return account === undefined ? [] : [{ ...route, account }]
    })
  }

  function routeAccount({ id, rail, status, position, adapter }: OpenRailAccount, at: Date): RouteAccount {
    const until = breaker.openUntil(id)
    // What is silent now says nothing about another hour.
    const open = until !== null && at < until && environment.now().getTime() - at.getTime() < nowMs
    return {
      id,
      rail,
      active: status === 'ACTIVE',
      startable: adapter.start !== undefined && adapter.capabilities.start,
      minAmount: adapter.capabilities.minAmount,
      maxAmount: adapter.capabilities.maxAmount,
      position,
      circuit: open ? { open, until } : { open: false },
    }
  }
}

/** The ones a payer chooses from. */
export function offeredOf(routes: readonly RailRoute[]): RailRoute[] {
  return routes.filter(({ standing }) => standing === 'OFFERED')
}
