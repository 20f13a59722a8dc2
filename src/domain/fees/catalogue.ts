/**
 * The fee catalogue (domain.md §6.1): procedures, their rates, and the exemptions and reductions laid over rates.
 *
 * A *fee* is one thing owed under one creditor and name; `feeCode` names it. Its *rates* are the alternatives by case, area,
 * channel, payer group and period. Portals may ask for a fee, or for one rate of it.
 */
import type { Percent, Vnd } from '../money.ts'

/** `yyyy-MM-dd` in Asia/Ho_Chi_Minh. */
export type LocalDate = string

export const feeKinds = ['PHI', 'LE_PHI', 'TAX', 'FINE', 'POSTAGE'] as const
export type FeeKind = (typeof feeKinds)[number]

export const feeUnits = ['CASE', 'COPY', 'PAGE', 'PERCENT', 'YEAR', 'MONTH'] as const
export type FeeUnit = (typeof feeUnits)[number]

export const feeChannels = ['ONLINE', 'COUNTER'] as const
export type FeeChannel = (typeof feeChannels)[number]

/**
 * When the creditor gives money back (domain.md §7.6).
 * `IF_NOT_GRANTED`    when the applicant does not qualify
 * `NEVER`             whatever becomes of the dossier
 * `TAX_LAW`           only by the tax authority's procedure, never by a rail
 * `ALWAYS_DUPLICATE`  only a second payment of the same debt. (Under the first two rules a second payment goes back as well.)
 */
export const refundRules = ['IF_NOT_GRANTED', 'NEVER', 'TAX_LAW', 'ALWAYS_DUPLICATE'] as const
export type RefundRule = (typeof refundRules)[number]

/** Who the money belongs to. Items of different creditors never share a beneficiary account (domain.md §6.3). */
export const creditors = ['COLLECTING_AGENCY', 'STATE_BUDGET', 'PUBLIC_POST'] as const
export type Creditor = (typeof creditors)[number]

export type LegalBasis = { readonly document: string; readonly article: string }

/** First and last local day in force, both included; `validTo` null: open-ended. */
export type Period = { readonly validFrom: LocalDate; readonly validTo: LocalDate | null }

/** Whom a rate or an adjustment is for. Null or an empty list: everyone. One of `payerGroups` is enough. */
export type Selector = {
  readonly serviceCase: string | null
  readonly area: string | null
  readonly channel: FeeChannel | null
  readonly payerGroups: readonly string[]
}

/** Units up to and including `upTo`, counted from the first, cost `amount` each; null: all that are left. */
export type Tier = { readonly upTo: number | null; readonly amount: Vnd }

export type Price =
  | { readonly by: 'AMOUNT'; readonly amount: Vnd }
  | { readonly by: 'PERCENT'; readonly percent: Percent }
  | { readonly by: 'TIERS'; readonly tiers: readonly Tier[] }
  /** Taxes and fines: an authority's notice sets the amount. What the table shows is for the reader only. */
  | { readonly by: 'DECISION'; readonly guide: { readonly amount: Vnd } | { readonly percent: Percent } | null }

export type FeeRate = Period & {
  readonly id: string
  readonly feeCode: string
  readonly kind: FeeKind
  readonly nameVi: string
  readonly nameEn: string | null
  readonly unit: FeeUnit
  readonly price: Price
  /** Highest and lowest amount of one item; per copy where the unit is PAGE. */
  readonly cap: Vnd | null
  readonly floor: Vnd | null
  readonly selector: Selector
  readonly economicCode: string | null
  readonly chapterCode: string | null
  readonly creditor: Creditor
  readonly basis: LegalBasis
  readonly refundRule: RefundRule
}

/** An exemption frees the whole item; a reduction takes `percent` off. */
export type Adjustment = Period & {
  readonly id: string
  readonly kind: 'EXEMPTION' | 'REDUCTION'
  readonly nameVi: string
  readonly rateIds: readonly string[]
  readonly selector: Selector
  /** Lowest e-ID level that qualifies; null: any, or none at all. */
  readonly minEIdLevel: number | null
  /** Null for an exemption. */
  readonly percent: Percent | null
  readonly basis: LegalBasis
}

export type Procedure = {
  readonly code: string
  readonly nameVi: string
  readonly nameEn: string | null
  readonly agencyLevel: 'MINISTRY' | 'PROVINCE' | 'COMMUNE'
  readonly serviceScope: 'FULL' | 'PARTIAL'
  /** Its rates may be used with every procedure (return of results by post). */
  readonly usedWithAny: boolean
}

/** Rates and adjustments are never changed, only given a next version; an invoice names the version it used. */
export type Versioned<T> = T & { readonly version: number }

/** What pricing one dossier needs: its procedure, the rates of it and of every `usedWithAny` procedure, and their adjustments. */
export type CatalogueSlice = {
  readonly procedure: Procedure
  readonly rates: readonly Versioned<FeeRate>[]
  readonly adjustments: readonly Versioned<Adjustment>[]
}
