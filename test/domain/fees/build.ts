/** Valid rates, adjustments and inputs to start a test from, each field replaceable. */
import type { Adjustment, CatalogueSlice, FeeRate, Selector, Versioned } from '../../../src/domain/fees/catalogue.ts'
import { type PriceInputs, type PriceLine, type Pricing, priceItems } from '../../../src/domain/fees/price.ts'
import type { FeeRefusal } from '../../../src/domain/fees/refusal.ts'
import { parsePercent } from '../../../src/domain/money.ts'

export const everyone: Selector = { serviceCase: null, area: null, channel: null, payerGroups: [] }

const basis = { document: 'Thông tư 1/2025/TT-BTC', article: 'Điều 4' }

export function percent(text: string) {
  const parsed = parsePercent(text)
  if (parsed === null) throw new Error(`${text} is no percentage`)
  return parsed
}

export function aRate(
  over: Partial<Omit<Versioned<FeeRate>, 'selector'>> & { selector?: Partial<Selector> } = {},
): Versioned<FeeRate> {
  return {
    id: 'card',
    feeCode: 'card',
    kind: 'LE_PHI',
    nameVi: 'Lệ phí cấp thẻ',
    nameEn: null,
    unit: 'CASE',
    price: { by: 'AMOUNT', amount: 50_000n },
    cap: null,
    floor: null,
    economicCode: '2768',
    chapterCode: null,
    creditor: 'COLLECTING_AGENCY',
    basis,
    refundRule: 'ALWAYS_DUPLICATE',
    validFrom: '2025-01-01',
    validTo: null,
    version: 1,
    ...over,
    selector: { ...everyone, ...over.selector },
  }
}

export function anAdjustment(
  over: Partial<Omit<Versioned<Adjustment>, 'selector'>> & { selector?: Partial<Selector> } = {},
): Versioned<Adjustment> {
  return {
    id: 'half',
    kind: 'REDUCTION',
    nameVi: 'Giảm 50 %',
    rateIds: ['card'],
    minEIdLevel: null,
    percent: percent('50'),
    basis,
    validFrom: '2025-07-01',
    validTo: '2026-12-31',
    version: 1,
    ...over,
    selector: { ...everyone, ...over.selector },
  }
}

export function aSlice(
  rates: CatalogueSlice['rates'],
  adjustments: CatalogueSlice['adjustments'] = [],
): CatalogueSlice {
  return {
    procedure: {
      code: '2.001195',
      nameVi: 'Cấp đổi thẻ',
      nameEn: null,
      agencyLevel: 'PROVINCE',
      serviceScope: 'FULL',
      usedWithAny: false,
    },
    rates,
    adjustments,
  }
}

type RateLine = Exclude<PriceLine, { readonly decision: unknown }>

export function aLine(
  wish: { readonly feeCode: string } | { readonly rateId: string },
  over: Partial<Pick<RateLine, 'quantity' | 'copies' | 'baseAmount'>> = {},
): RateLine {
  return { ...wish, quantity: 1, copies: null, baseAmount: null, ...over }
}

export function inputs(over: Partial<PriceInputs> = {}): PriceInputs {
  return {
    procedureCode: '2.001195',
    serviceCase: null,
    area: null,
    channel: 'ONLINE',
    payerGroups: [],
    eIdLevel: null,
    collectionMode: 'UPFRONT',
    submittedOn: '2026-11-20',
    issuedOn: over.submittedOn ?? '2026-11-20',
    lines: [aLine({ feeCode: 'card' })],
    ...over,
  }
}

/** The pricing, or a failed test. */
export function priced(slice: CatalogueSlice, over: Partial<PriceInputs> = {}): Pricing {
  const pricing = priceItems(slice, inputs(over))
  if (!pricing.ok) throw new Error(`${pricing.code}: ${pricing.messageEn}`)
  return pricing
}

/** The refusal, or a failed test. */
export function refused(slice: CatalogueSlice, over: Partial<PriceInputs> = {}): FeeRefusal {
  const refusal = priceItems(slice, inputs(over))
  if (refusal.ok) throw new Error(`priced at ${refusal.total}`)
  return refusal
}
