/** From the routes of a demand to the accounts on which an attempt may be made, or to the reason why there is none. */
import { refusalsOf, tryOrder } from '../domain/routing.ts'
import { type FieldError, Problem } from '../problem/problem.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import type { RailRoute } from '../rails/router.ts'

export type Choice =
  /** In the order in which they are tried; all speak the same rail and pay into the same account. */
  | { readonly kind: 'accounts'; readonly accounts: readonly [OpenRailAccount, ...OpenRailAccount[]] }
  | { readonly kind: 'refused'; readonly problem: Problem }

/** A caller who is told to come again need not wait longer than this to ask. */
const longestRetrySeconds = 3600

export function chooseAccounts(routes: readonly RailRoute[], railAccountId: string, now: Date): Choice {
  const [first, ...rest] = tryOrder(routes, railAccountId).map(({ account }) => account)
  if (first !== undefined) return { kind: 'accounts', accounts: [first, ...rest] }
  const route = routes.find(({ account }) => account.id === railAccountId)
  return { kind: 'refused', problem: railNotOffered(route, now) }
}

/** Names every check that failed. A refusal that passes by itself says when to come again, and is kept under no key. */
function railNotOffered(route: RailRoute | undefined, now: Date): Problem {
  if (route === undefined) {
    const vi = 'Tài khoản kênh này không nhận tiền cho khoản thu này.'
    const en = 'This rail account does not collect for this invoice.'
    return new Problem('RAIL_NOT_OFFERED', { vi, en, errors: [error('unknown', vi, en)] })
  }
  const refusals = refusalsOf(route)
  const ends = refusals.map(({ passing, until }) => (passing ? (until?.getTime() ?? null) : null))
  const end = ends.every((at) => at !== null) ? Math.max(...ends) : null
  return new Problem('RAIL_NOT_OFFERED', {
    vi: refusals.map(({ vi }) => vi).join(' '),
    en: refusals.map(({ en }) => en).join(' '),
    errors: refusals.map(({ code, vi, en }) => error(code, vi, en)),
    ...(end === null
      ? {}
      : {
          retryAfterSeconds: Math.min(Math.max(Math.ceil((end - now.getTime()) / 1000), 1), longestRetrySeconds),
        }),
  })
}

function error(code: string, vi: string, en: string): FieldError {
  return { field: 'railAccountId', code, vi, en }
}
