/**
 * The price of a dossier (domain.md §6.1): a pure function of procedure, case, payer groups, e-ID level, channel, area,
 * quantities and the date of the legal event. The answer carries its inputs and the rules used, so it can be explained for ever.
 */
import { parseProcedureCode } from '../codes/procedure-code.ts'
import { maxVnd, sumVnd, type Vnd } from '../money.ts'
import { startOfLocalDay } from '../vietnam-time.ts'
import { adjust } from './adjust.ts'
import type { CatalogueSlice, Creditor, FeeKind, FeeUnit, LegalBasis, LocalDate, RefundRule } from './catalogue.ts'
import { type Circumstances, earlierEnd } from './circumstances.ts'
import { decidingDate, type LegalEvents } from './deciding-date.ts'
import { checkDecisionItem, type Decision, type DecisionItem } from './decision-item.ts'
import { grossOf, type Measure } from './gross.ts'
import { type FeeRefusal, refuse } from './refusal.ts'
import { type RateWish, selectRate } from './select-rate.ts'

/** A fee of the catalogue, or an amount set by a decision. */
export type PriceLine = (RateWish & Measure) | DecisionItem

export type PriceInputs = Circumstances &
  LegalEvents & {
    readonly procedureCode: string
    readonly lines: readonly PriceLine[]
  }

export type PricedItem = {
  /** From 1, in the order asked. */
  readonly lineNo: number
  readonly feeCode: string | null
  readonly rateId: string | null
  readonly rateVersion: number | null
  readonly kind: FeeKind
  readonly nameVi: string
  readonly nameEn: string | null
  readonly unit: FeeUnit | null
  readonly quantity: number
  readonly copies: number | null
  readonly baseAmount: Vnd | null
  /** Null where no single unit price exists: percentages and tiers. */
  readonly unitAmount: Vnd | null
  readonly gross: Vnd
  readonly adjustmentId: string | null
  readonly adjustmentVersion: number | null
  readonly reductionAmount: Vnd
  readonly net: Vnd
  readonly economicCode: string | null
  readonly chapterCode: string | null
  readonly creditor: Creditor
  readonly basis: LegalBasis
  readonly decision: Decision | null
  readonly taxObligationId: string | null
  readonly refundRule: RefundRule
}

export type Pricing = {
  readonly ok: true
  readonly inputs: PriceInputs
  readonly decidingDate: LocalDate
  readonly items: readonly PricedItem[]
  /** 0 means nothing to pay: the invoice is WAIVED and no rail is called. */
  readonly total: Vnd
  /** Last local day on which every rate and adjustment used is in force; null: open-ended. */
  readonly priceValidTo: LocalDate | null
}

type PricedLine = { readonly ok: true; readonly item: Omit<PricedItem, 'lineNo'>; readonly validTo: LocalDate | null }

export function priceItems(slice: CatalogueSlice, inputs: PriceInputs): Pricing | FeeRefusal {
  const date = decidingDate(inputs)
  const fault = faultOfInputs(slice, inputs)
  if (fault !== null) return fault
  const items: PricedItem[] = []
  let priceValidTo: LocalDate | null = null
  for (const [index, line] of inputs.lines.entries()) {
    const lineNo = index + 1
    const priced = 'decision' in line ? priceDecision(line, inputs.issuedOn) : priceRate(slice, line, inputs, date)
    if (!priced.ok) return { ...priced, lineNo }
    items.push({ lineNo, ...priced.item })
    priceValidTo = earlierEnd(priceValidTo, priced.validTo)
  }
  const total = sumVnd(items.map(({ net }) => net))
  if (total > maxVnd) return refuse('AMOUNT_TOO_LARGE', { most: String(maxVnd) })
  return { ok: true, inputs, decidingDate: date, items, total, priceValidTo }
}

function priceRate(
  slice: CatalogueSlice,
  line: RateWish & Measure,
  circumstances: Circumstances,
  date: LocalDate,
): PricedLine | FeeRefusal {
  const selected = selectRate(slice.rates, line, circumstances, date)
  if (!selected.ok) return selected
  const { rate } = selected
  const full = grossOf(rate, line)
  if (!full.ok) return full
  const best = adjust(slice.adjustments, rate, full.gross, circumstances, date)
  const net = best?.net ?? full.gross
  return {
    ok: true,
    validTo: best === null ? rate.validTo : earlierEnd(rate.validTo, best.adjustment.validTo),
    item: {
      feeCode: rate.feeCode,
      rateId: rate.id,
      rateVersion: rate.version,
      kind: rate.kind,
      nameVi: rate.nameVi,
      nameEn: rate.nameEn,
      unit: rate.unit,
      quantity: line.quantity,
      copies: line.copies,
      baseAmount: line.baseAmount,
      unitAmount: rate.price.by === 'AMOUNT' ? rate.price.amount : null,
      gross: full.gross,
      adjustmentId: best?.adjustment.id ?? null,
      adjustmentVersion: best?.adjustment.version ?? null,
      reductionAmount: full.gross - net,
      net,
      economicCode: rate.economicCode,
      chapterCode: rate.chapterCode,
      creditor: rate.creditor,
      basis: rate.basis,
      decision: null,
      taxObligationId: null,
      refundRule: rate.refundRule,
    },
  }
}

function priceDecision(line: DecisionItem, issuedOn: LocalDate): PricedLine | FeeRefusal {
  const checked = checkDecisionItem(line, issuedOn)
  if (!checked.ok) return checked
  const { kind, nameVi, amount, economicCode, chapterCode, taxObligationId, decision } = checked.item
  return {
    ok: true,
    validTo: null,
    item: {
      feeCode: null,
      rateId: null,
      rateVersion: null,
      kind,
      nameVi,
      nameEn: null,
      unit: null,
      quantity: 1,
      copies: null,
      baseAmount: null,
      unitAmount: amount,
      gross: amount,
      adjustmentId: null,
      adjustmentVersion: null,
      reductionAmount: 0n,
      net: amount,
      economicCode,
      chapterCode,
      creditor: 'STATE_BUDGET',
      basis: { document: `${decision.number} (${decision.date}, ${decision.authority})`, article: '' },
      decision,
      taxObligationId,
      refundRule: kind === 'TAX' ? 'TAX_LAW' : 'NEVER',
    },
  }
}

function faultOfInputs(slice: CatalogueSlice, inputs: PriceInputs): FeeRefusal | null {
  const { procedureCode, submittedOn, issuedOn, serviceCase, area } = inputs
  const asked = parseProcedureCode(procedureCode)
  const ours = parseProcedureCode(slice.procedure.code)
  if (!asked.ok || !ours.ok || asked.value.nationalPart !== ours.value.nationalPart) {
    return refuse('WRONG_PROCEDURE', { procedureCode })
  }
  for (const date of [submittedOn, issuedOn]) {
    if (startOfLocalDay(date) === null) return refuse('NO_SUCH_DATE', { date })
  }
  if (submittedOn > issuedOn) return refuse('SUBMITTED_AFTER_ISSUE', { submittedOn, issuedOn })
  if (inputs.lines.length === 0) return refuse('NO_ITEMS', {})
  // A misspelt case or area must not fall through to the general rate.
  const cases = known(slice.rates.map(({ selector }) => selector.serviceCase))
  if (serviceCase !== null && cases.length > 0 && !cases.includes(serviceCase)) {
    return refuse('UNKNOWN_SERVICE_CASE', { serviceCase, known: cases.join(', ') })
  }
  const areas = known(slice.rates.map(({ selector }) => selector.area))
  if (area !== null && areas.length > 0 && !areas.includes(area)) {
    return refuse('UNKNOWN_AREA', { area, known: areas.join(', ') })
  }
  return null
}

function known(values: readonly (string | null)[]): string[] {
  return [...new Set(values.filter((value) => value !== null))]
}
