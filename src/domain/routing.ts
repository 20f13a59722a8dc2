/**
 * Which rail accounts take a demand, in which order, and why. The payment page, the portal's list of rails, the dry run and
 * the start of an attempt all ask here, so what is shown is what can be started (docs/routing.md).
 */
import { type Finding, type RouteAccount, type RouteQuestion, type Rulebook, routeChecks } from './routing/checks.ts'
import { type FeeShare, feeShares } from './routing/fees.ts'
import { type DecidedSettings, settingsOf } from './routing/rules.ts'
import { spreadOver } from './routing/spread.ts'
import { businessDate } from './vietnam-time.ts'

export type CheckCode = (typeof routeChecks)[number]['code']

export type CheckedFinding = Finding & { readonly code: CheckCode; readonly passing: boolean }

/** OFFERED: shown. STANDBY: good as well, an equal account goes first for this invoice. */
export type Standing = 'OFFERED' | 'STANDBY' | 'NOT_OFFERED'

export type Route = {
  readonly account: RouteAccount
  readonly standing: Standing
  /** Place in the list that is shown, from 1; of a STANDBY the place of the account it stands behind. */
  readonly rank: number | null
  readonly behind: string | null
  /** Its weight against those of its group that are good now; null when it is not in a group or not good. */
  readonly share: { readonly weight: number; readonly of: number } | null
  readonly settings: DecidedSettings
  readonly fees: readonly FeeShare[]
  readonly findings: readonly CheckedFinding[]
}

/**
 * Every account with its standing: the offered ones in the order in which they are shown, each followed by those that stand
 * behind it, then the others. The same accounts, question and rules give the same answer, in whatever order they come.
 */
export function decideRoutes(accounts: readonly RouteAccount[], question: RouteQuestion, rulebook: Rulebook): Route[] {
  const date = businessDate(question.at)
  const { agencyCode, procedureCode, amount } = question
  const looked = accounts.map((account): Looked => {
    const settings = settingsOf(
      { railAccountId: account.id, rail: account.rail, agencyCode, procedureCode, date },
      rulebook.rules,
    )
    const facts = { account, question, settings, rulebook }
    const findings = routeChecks.map(({ code, passing, look }) => ({ code, passing, ...look(facts) }))
    return {
      account,
      settings,
      fees: feeShares(settings.fees.value, amount),
      findings,
      order: settings.order.value ?? account.position,
    }
  })
  const good = looked.filter(({ findings }) => findings.every(({ passed }) => passed)).sort(inOrder)
  const groups = [...Map.groupBy(good, groupKey).values()]
    .map((members) => inTryOrder(members, question.invoiceId))
    .sort(([a], [b]) => (a === undefined || b === undefined ? 0 : inOrder(a, b)))
  return [
    ...groups.flatMap((members, index) =>
      members.map((member, place) => standingOf(member, members, place, index + 1)),
    ),
    ...looked
      .filter((entry) => !good.includes(entry))
      .sort(inOrder)
      .map(
        ({ order: _order, ...entry }): Route => ({
          ...entry,
          standing: 'NOT_OFFERED',
          rank: null,
          behind: null,
          share: null,
        }),
      ),
  ]
}

/** What is wrong with an account, the first reason first; empty when it may be started. */
export function refusalsOf({ findings }: Pick<Route, 'findings'>): CheckedFinding[] {
  return findings.filter(({ passed }) => !passed)
}

/**
 * The routes on which an attempt may be made when this account is asked for: the one that leads its group for this invoice
 * first, whichever of the group was named, then those behind it. A payer asks for a way to pay, and equal accounts are one way:
 * a page that showed an account a moment ago still leads somewhere. Empty when nothing of the group is offered.
 */
export function tryOrder<
  R extends Pick<Route, 'standing' | 'settings'> & { readonly account: { readonly id: string; readonly rail: string } },
>(routes: readonly R[], railAccountId: string): R[] {
  const asked = routes.find(({ account }) => account.id === railAccountId)
  if (asked === undefined) return []
  return routes.filter((route) => route.standing !== 'NOT_OFFERED' && groupKey(route) === groupKey(asked))
}

type Looked = Pick<Route, 'account' | 'settings' | 'fees' | 'findings'> & { readonly order: number }

/** Silent rails last, then the order that was set, then the name: never two in one place. */
function inOrder(a: Looked, b: Looked): number {
  return (
    Number(a.account.circuit.open) - Number(b.account.circuit.open) ||
    a.order - b.order ||
    (a.account.id < b.account.id ? -1 : 1)
  )
}

/** Accounts of no group stand alone. */
function groupKey({
  account,
  settings,
}: Pick<Route, 'settings'> & { readonly account: { readonly id: string; readonly rail: string } }): string {
  return settings.group.value === null ? `account ${account.id}` : `group ${account.rail} ${settings.group.value}`
}

function inTryOrder(members: readonly Looked[], invoiceId: string | null): Looked[] {
  const spread = spreadOver(
    invoiceId,
    members.map((member) => ({ id: member.account.id, weight: member.settings.weight.value, member })),
  ).map(({ member }) => member)
  const silent = ({ account }: Looked): boolean => account.circuit.open
  return [...spread.filter((member) => !silent(member)), ...spread.filter(silent)]
}

function standingOf(
  { order: _order, ...entry }: Looked,
  members: readonly Looked[],
  place: number,
  rank: number,
): Route {
  const grouped = entry.settings.group.value !== null
  // While others of its group answer, a silent account gets no share.
  const sharing = members.filter(({ account }) => account.circuit.open === members[0]?.account.circuit.open)
  const of = sharing.reduce((sum, { settings }) => sum + settings.weight.value, 0)
  const shares = grouped && sharing.some(({ account }) => account.id === entry.account.id)
  return {
    ...entry,
    standing: place === 0 ? 'OFFERED' : 'STANDBY',
    rank,
    behind: place === 0 ? null : (members[0]?.account.id ?? null),
    share: shares ? { weight: entry.settings.weight.value, of } : null,
  }
}
