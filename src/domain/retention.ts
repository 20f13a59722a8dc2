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
