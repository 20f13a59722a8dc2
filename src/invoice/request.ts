import type { Creditor } from '../domain/fees/catalogue.ts'

/** What an invoice is issued from; the HTTP schema of the same name produces exactly this. */
export type PersonRequest = {
  readonly name: string
  readonly personalId?: string | undefined
  readonly taxCode?: string | undefined
  readonly phone?: string | undefined
  readonly address?: string | undefined
}

export type DecisionLine = {
  readonly kind: 'TAX' | 'FINE'
  readonly nameVi: string
  readonly amount: number
  readonly economicCode: string
  readonly chapterCode?: string | undefined
  readonly taxObligationId?: string | undefined
  readonly decision: { readonly number: string; readonly date: string; readonly authority: string }
}

type FeeMeasure = {
  readonly quantity: number
  readonly copies?: number | undefined
  readonly baseAmount?: number | undefined
  /** What the portal believes is owed; compared, never trusted. */
  readonly amount?: number | undefined
}

export type FeeLine = FeeMeasure & ({ readonly rateId: string } | { readonly feeCode: string })

export type IssueRequest = {
  readonly dossierCode: string
  readonly procedureCode: string
  readonly onlineServiceCode?: string | undefined
  readonly collectingAgencyCode: string
  readonly resolvingAgencyCode?: string | undefined
  readonly collectionMode: 'UPFRONT' | 'AFTER'
  readonly submittedOn?: string | undefined
  readonly serviceCase?: string | undefined
  readonly payerGroups: readonly string[]
  readonly eIdLevel?: number | undefined
  readonly channel: 'ONLINE' | 'COUNTER'
  readonly area?: string | undefined
  readonly submitter: PersonRequest
  readonly dossierOwner?: PersonRequest | undefined
  readonly payer?: PersonRequest | undefined
  readonly items: readonly (FeeLine | DecisionLine)[]
  readonly beneficiaryAccountId?: string | undefined
  readonly dueAt?: string | undefined
  readonly expiresAt?: string | undefined
  readonly returnUrl?: string | undefined
}

/** A demand whose items may belong to several creditors: it becomes one invoice for each. */
export type CreditorsRequest = Omit<IssueRequest, 'beneficiaryAccountId'> & {
  /** The account to pay, for creditors that have several. */
  readonly beneficiaryAccountIds?: { readonly [Name in Creditor]?: string | undefined } | undefined
}

/** The client that issues. */
export type Issuer = {
  readonly tenantId: string
  readonly clientId: string
  /** Empty: every agency of the tenant. */
  readonly agencyCodes: readonly string[]
  readonly returnOrigins: readonly string[]
}
