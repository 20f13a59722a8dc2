/**
 * What an operator may say about rails (domain.md §3 row 21): settings for rail accounts, wider or narrower in scope, with
 * dates. For each setting the narrowest rule in force decides, so a rule only says what it changes.
 */

/** Where the payer stands: on a page or in an app of their own, or before an officer. */
export type PlaceOfPayment = 'ONLINE' | 'COUNTER'
export type RouteLocale = 'vi' | 'en'

/** What somebody is charged for a payment on this rail. FeeGate tells of it and never adds it to the amount. */
export type RouteFee = {
  readonly paidBy: 'PAYER' | 'AGENCY' | 'TENANT'
  readonly nameVi: string
  readonly nameEn: string
  /** Whole VND for each payment. */
  readonly fixed: bigint
  /** Hundredths of a percent of the amount. */
  readonly basisPoints: bigint
  readonly least: bigint | null
  readonly most: bigint | null
}

export type RouteSettings = {
  readonly offered: boolean
  /** Beyond the rail's own limits, which hold always. */
  readonly minAmount: bigint | null
  readonly maxAmount: bigint | null
  /** Null: open day and night. */
  readonly calendarId: string | null
  readonly channels: readonly PlaceOfPayment[]
  readonly locales: readonly RouteLocale[]
  /** Place in the list, low first; null: the position of the rail account. */
  readonly order: number | null
  /** Accounts of one rail in one group are equal: a payer sees one of them, the others stand behind it. */
  readonly group: string | null
  /** Share of the group's payments against the other weights; 0 stands behind only. */
  readonly weight: number
  /** While the rail does not answer. */
  readonly whenUnanswered: 'HIDE' | 'LAST'
  readonly fees: readonly RouteFee[]
}

export const defaultSettings: RouteSettings = {
  offered: true,
  minAmount: null,
  maxAmount: null,
  calendarId: null,
  channels: ['ONLINE', 'COUNTER'],
  locales: ['vi', 'en'],
  order: null,
  group: null,
  weight: 1,
  whenUnanswered: 'HIDE',
  fees: [],
}

export type RoutingRule = {
  readonly id: string
  readonly version: number
  /** Of these two at most one is filled; both empty: every rail account. */
  readonly railAccountIds: readonly string[]
  readonly rails: readonly string[]
  /** Empty: every agency, every procedure. */
  readonly agencyCodes: readonly string[]
  readonly procedureCodes: readonly string[]
  /** Local days, both included; null: open-ended. */
  readonly validFrom: string | null
  readonly validTo: string | null
  readonly set: { readonly [Name in keyof RouteSettings]?: RouteSettings[Name] | undefined }
}

export type RuleSubject = {
  readonly railAccountId: string
  readonly rail: string
  readonly agencyCode: string
  readonly procedureCode: string
  /** Local day. */
  readonly date: string
}

/** A setting and the rule it comes from; null: nobody has said anything, the default holds. */
export type Decided<Value> = { readonly value: Value; readonly rule: RoutingRule | null }
export type DecidedSettings = { readonly [Name in keyof RouteSettings]: Decided<RouteSettings[Name]> }

/**
 * How narrow a rule is: first for what demands (procedure before agency), then for which accounts (one account before a whole
 * rail), then for how long (a rule that ends before one that does not).
 */
function narrowness(rule: RoutingRule): number {
  const demands = (rule.procedureCodes.length > 0 ? 2 : 0) + (rule.agencyCodes.length > 0 ? 1 : 0)
  const accounts = rule.railAccountIds.length > 0 ? 2 : rule.rails.length > 0 ? 1 : 0
  return demands * 6 + accounts * 2 + (rule.validTo === null ? 0 : 1)
}

/** The settings of one rail account for one demand on one day. */
export function settingsOf(subject: RuleSubject, rules: readonly RoutingRule[]): DecidedSettings {
  const inForce = rules
    .filter((rule) => isAbout(rule, subject))
    .sort((a, b) => narrowness(b) - narrowness(a) || (a.id < b.id ? -1 : 1))
  const decided = <Name extends keyof RouteSettings>(name: Name): Decided<RouteSettings[Name]> => {
    for (const rule of inForce) {
      const value = rule.set[name]
      if (value !== undefined) return { value, rule }
    }
    return { value: defaultSettings[name], rule: null }
  }
  return {
    offered: decided('offered'),
    minAmount: decided('minAmount'),
    maxAmount: decided('maxAmount'),
    calendarId: decided('calendarId'),
    channels: decided('channels'),
    locales: decided('locales'),
    order: decided('order'),
    group: decided('group'),
    weight: decided('weight'),
    whenUnanswered: decided('whenUnanswered'),
    fees: decided('fees'),
  }
}

export type RuleConflict = { readonly first: string; readonly second: string; readonly setting: string }

/** Pairs of rules that could both decide one setting of one account on one day: such rules are refused, none is guessed. */
export function conflictsIn(rules: readonly RoutingRule[]): RuleConflict[] {
  return rules.flatMap((first, index) =>
    rules.slice(index + 1).flatMap((second) => {
      if (narrowness(first) !== narrowness(second) || !canMeet(first, second)) return []
      return Object.entries(first.set)
        .filter(([name, value]) => value !== undefined && Object.entries(second.set).some(sets(name)))
        .map(([setting]) => ({ first: first.id, second: second.id, setting }))
    }),
  )
}

const sets =
  (wanted: string) =>
  ([name, value]: [string, unknown]): boolean =>
    name === wanted && value !== undefined

function isAbout(rule: RoutingRule, subject: RuleSubject): boolean {
  return (
    (rule.railAccountIds.length === 0 || rule.railAccountIds.includes(subject.railAccountId)) &&
    (rule.rails.length === 0 || rule.rails.includes(subject.rail)) &&
    (rule.agencyCodes.length === 0 || rule.agencyCodes.includes(subject.agencyCode)) &&
    (rule.procedureCodes.length === 0 || rule.procedureCodes.includes(subject.procedureCode)) &&
    (rule.validFrom === null || rule.validFrom <= subject.date) &&
    (rule.validTo === null || subject.date <= rule.validTo)
  )
}

/** Whether one account, one demand and one day can be under both; both are of the same narrowness. */
function canMeet(a: RoutingRule, b: RoutingRule): boolean {
  const share = (left: readonly string[], right: readonly string[]): boolean =>
    (left.length === 0 && right.length === 0) || left.some((entry) => right.includes(entry))
  const startsBeforeEnd = (from: string | null, to: string | null): boolean =>
    from === null || to === null || from <= to
  return (
    share(a.railAccountIds, b.railAccountIds) &&
    share(a.rails, b.rails) &&
    share(a.agencyCodes, b.agencyCodes) &&
    share(a.procedureCodes, b.procedureCodes) &&
    startsBeforeEnd(a.validFrom, b.validTo) &&
    startsBeforeEnd(b.validFrom, a.validTo)
  )
}
