/** How long what is known of a person is kept, by class: data, so that a lawyer can read it (docs/personal-data.md). */
export const personalClasses = {
  /** Numbers that identify: needed while the payment can still be questioned. */
  IDENTITY: { days: 5 * 365, fields: ['personalId', 'taxCode'] },
  /** Needed to reach the person about this dossier only. */
  CONTACT: { days: 365, fields: ['phone', 'address'] },
} as const

export type PersonalClass = keyof typeof personalClasses
export type PersonalField = (typeof personalClasses)[PersonalClass]['fields'][number]

/** Fields a person is looked for by. */
export const searchedFields: ReadonlySet<PersonalField> = new Set(['personalId', 'taxCode', 'phone'])

const dayMs = 24 * 60 * 60 * 1000

export function keepUntil(kind: PersonalClass, from: Date): Date {
  return new Date(from.getTime() + personalClasses[kind].days * dayMs)
}

/** The last three characters; the whole of anything shorter than seven is hidden. */
export function masked(value: string): string {
  return value.length < 7 ? '*'.repeat(value.length) : '*'.repeat(value.length - 3) + value.slice(-3)
}

/** What is kept of payments beside the books, by kind; years as days. */
export const evidenceDays = {
  /** Bodies of banks' messages that told of money or asked about bills: for disputes about what a bank said. */
  CALLBACK: 5 * 365,
  /** Bodies of messages that were refused: for finding out who tried. */
  REFUSED_CALLBACK: 365,
  /** Account that a refund was paid to, once the refund has ended: as the books it belongs to. */
  PAYEE: 10 * 365,
  /** The payer's address on the Internet: for disputes with the rail that was sent it. */
  PAYER_ADDRESS: 365,
} as const

export type EvidenceKind = keyof typeof evidenceDays

/** What is older than this has had its time. */
export function keptSince(kind: EvidenceKind, now: Date): Date {
  return new Date(now.getTime() - evidenceDays[kind] * dayMs)
}
