import type { LocalDate } from './catalogue.ts'

export type CollectionMode = 'UPFRONT' | 'AFTER'

export type LegalEvents = {
  readonly collectionMode: CollectionMode
  /** Local day the dossier was submitted. */
  readonly submittedOn: LocalDate
  /** Local day the invoice is issued (`businessDate` of the moment). */
  readonly issuedOn: LocalDate
}

/** The day whose prices hold: submission when paid up front, issue of the invoice when paid after (domain.md §6.1). */
export function decidingDate({ collectionMode, submittedOn, issuedOn }: LegalEvents): LocalDate {
  return collectionMode === 'UPFRONT' ? submittedOn : issuedOn
}
