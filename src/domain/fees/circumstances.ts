/** What a price may depend on besides the rate itself, and how rates and adjustments are held against it. */
import type { FeeChannel, LocalDate, Period, Selector } from './catalogue.ts'

export type Circumstances = {
  readonly serviceCase: string | null
  readonly area: string | null
  readonly channel: FeeChannel
  /** Every group the portal vouches for; groups no rate knows are of no effect. */
  readonly payerGroups: readonly string[]
  /** Level of the payer's electronic identity; null: none. */
  readonly eIdLevel: number | null
}

export type SelectorKey = keyof Selector
const keys: readonly SelectorKey[] = ['serviceCase', 'area', 'channel', 'payerGroups']

/** The circumstances this selector asks about. */
export function asked(selector: Selector): SelectorKey[] {
  return keys.filter((key) => (key === 'payerGroups' ? selector.payerGroups.length > 0 : selector[key] !== null))
}

/** Those among them that are not met. */
export function unmet(selector: Selector, circumstances: Circumstances): SelectorKey[] {
  return asked(selector).filter((key) =>
    key === 'payerGroups'
      ? !selector.payerGroups.some((group) => circumstances.payerGroups.includes(group))
      : selector[key] !== circumstances[key],
  )
}

export function validity({ validFrom, validTo }: Period, date: LocalDate): 'NOT_YET' | 'IN_FORCE' | 'EXPIRED' {
  if (date < validFrom) return 'NOT_YET'
  return validTo !== null && date > validTo ? 'EXPIRED' : 'IN_FORCE'
}

/** The earlier of two last days; null means no last day. */
export function earlierEnd(a: LocalDate | null, b: LocalDate | null): LocalDate | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}
