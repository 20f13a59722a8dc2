/** Which rate of a fee holds for a dossier on a day. One rate or a refusal, never a guess. */
import type { FeeRate, LocalDate, Versioned } from './catalogue.ts'
import { asked, type Circumstances, unmet, validity } from './circumstances.ts'
import { type FeeRefusal, refuse } from './refusal.ts'

type Rate = Versioned<FeeRate>

/** A portal asks for a fee and leaves the choice to us, or names the rate it has shown to the payer. */
export type RateWish = { readonly feeCode: string } | { readonly rateId: string }

export function selectRate(
  rates: readonly Rate[],
  wish: RateWish,
  circumstances: Circumstances,
  date: LocalDate,
): { readonly ok: true; readonly rate: Rate } | FeeRefusal {
  const named = 'rateId' in wish ? rates.find(({ id }) => id === wish.rateId) : undefined
  if ('rateId' in wish && named === undefined) return refuse('UNKNOWN_RATE', { rate: wish.rateId })
  const feeCode = 'feeCode' in wish ? wish.feeCode : named?.feeCode
  const alternatives = rates.filter((rate) => rate.feeCode === feeCode)
  if (alternatives.length === 0) return refuse('UNKNOWN_FEE', { fee: feeCode ?? '' })

  const usable = (rate: Rate) => unmet(rate.selector, circumstances).length === 0 && validity(rate, date) === 'IN_FORCE'
  if (named !== undefined && !usable(named)) return whyNot([named], circumstances, date)
  const fitting = alternatives.filter(usable)
  if (fitting.length === 0) return whyNot(alternatives, circumstances, date)

  const winner = fitting.find((rate) => fitting.every((other) => other === rate || moreSpecific(rate, other)))
  if (winner === undefined) return refuse('RATE_AMBIGUOUS', { rates: fitting.map(({ id }) => id).join(', ') })
  if (named !== undefined && winner !== named) return refuse('RATE_OVERRIDDEN', { rate: named.id, expected: winner.id })
  return { ok: true, rate: winner }
}

/** True when `a` asks for everything `b` asks for and for more. Merely asking for more things of another sort is no rank. */
function moreSpecific(a: Rate, b: Rate): boolean {
  const ofA = asked(a.selector)
  const ofB = asked(b.selector)
  return ofA.length > ofB.length && ofB.every((key) => ofA.includes(key))
}

/** The most telling reason why none of these rates can be used: a wrong day if the rest fits, else what is missing. */
function whyNot(rates: readonly Rate[], circumstances: Circumstances, date: LocalDate): FeeRefusal {
  const right = rates.filter((rate) => unmet(rate.selector, circumstances).length === 0)
  const expired = right.find((rate) => validity(rate, date) === 'EXPIRED')
  if (expired !== undefined) return refuse('RATE_EXPIRED', { rate: expired.id, validTo: expired.validTo ?? '', date })
  const future = right.find((rate) => validity(rate, date) === 'NOT_YET')
  if (future !== undefined) return refuse('RATE_NOT_YET_VALID', { rate: future.id, validFrom: future.validFrom, date })
  const keys = new Set(rates.flatMap((rate) => unmet(rate.selector, circumstances)))
  return refuse('RATE_NOT_APPLICABLE', { rate: rates.map(({ id }) => id).join(', '), unmet: [...keys].join(', ') })
}
