/** Exemptions and reductions (domain.md §6.1): an exemption beats a reduction, one reduction per item, the most favourable. */
import { percentOf, restOf, type Vnd } from '../money.ts'
import type { Adjustment, FeeRate, LocalDate, Versioned } from './catalogue.ts'
import { type Circumstances, unmet, validity } from './circumstances.ts'

type Candidate = { readonly adjustment: Versioned<Adjustment>; readonly net: Vnd }

/** The adjustment that leaves the least to pay, and what it leaves; null when none holds. */
export function adjust(
  adjustments: readonly Versioned<Adjustment>[],
  rate: FeeRate,
  gross: Vnd,
  circumstances: Circumstances,
  date: LocalDate,
): Candidate | null {
  const [best] = adjustments
    .filter((adjustment) => holds(adjustment, rate, circumstances, date))
    .map((adjustment) => ({ adjustment, net: netUnder(adjustment, gross) }))
    .sort(byFavour)
  return best ?? null
}

function holds(adjustment: Adjustment, rate: FeeRate, circumstances: Circumstances, date: LocalDate): boolean {
  return (
    adjustment.rateIds.includes(rate.id) &&
    validity(adjustment, date) === 'IN_FORCE' &&
    unmet(adjustment.selector, circumstances).length === 0 &&
    (adjustment.minEIdLevel === null || (circumstances.eIdLevel ?? -1) >= adjustment.minEIdLevel)
  )
}

/** What is left to pay is what gets rounded: a law that halves a fee sets the fee at 50 %. */
function netUnder({ percent }: Adjustment, gross: Vnd): Vnd {
  return percent === null ? 0n : percentOf(gross, restOf(percent))
}

function byFavour(a: Candidate, b: Candidate): number {
  if (a.adjustment.kind !== b.adjustment.kind) return a.adjustment.kind === 'EXEMPTION' ? -1 : 1
  if (a.net !== b.net) return a.net < b.net ? -1 : 1
  // Equal for the payer: the one in force longest keeps the price valid longest, then the id, so the choice never wavers.
  const endA = a.adjustment.validTo ?? '9999-12-31'
  const endB = b.adjustment.validTo ?? '9999-12-31'
  if (endA !== endB) return endA > endB ? -1 : 1
  return a.adjustment.id < b.adjustment.id ? -1 : 1
}
