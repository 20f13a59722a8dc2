/** What one entry of a catalogue cannot show alone: repeated ids, rates that would both hold, adjustments of nothing. */
import { parseProcedureCode } from '../codes/procedure-code.ts'
import type { Adjustment, Creditor, FeeKind, FeeRate, Period, Procedure, Selector } from './catalogue.ts'

export type CatalogueFault = {
  readonly path: readonly (string | number)[]
  /** `English | Tiếng Việt` */
  readonly message: string
}

type Content = {
  readonly procedures: readonly (Procedure & { readonly rates: readonly FeeRate[] })[]
  readonly adjustments: readonly Adjustment[]
}

type Located<T> = { readonly entry: T; readonly path: readonly (string | number)[] }

const creditorOf: Record<FeeKind, Creditor> = {
  PHI: 'COLLECTING_AGENCY',
  LE_PHI: 'COLLECTING_AGENCY',
  TAX: 'STATE_BUDGET',
  FINE: 'STATE_BUDGET',
  POSTAGE: 'PUBLIC_POST',
}

export function catalogueFaults({ procedures, adjustments }: Content): CatalogueFault[] {
  const rates = procedures.flatMap((procedure, at) =>
    procedure.rates.map((entry, index) => ({ entry, path: ['procedures', at, 'rates', index] })),
  )
  const overlays = adjustments.map((entry, index) => ({ entry, path: ['adjustments', index] }))
  const codes = procedures.map(({ code }, index) => ({
    entry: { id: nationalPart(code) },
    path: ['procedures', index],
  }))
  const byId = new Map(rates.map(({ entry }) => [entry.id, entry]))
  return [
    ...repeated(codes, 'code'),
    ...repeated(rates, 'id'),
    ...repeated(overlays, 'id'),
    ...[...rates, ...overlays].flatMap(faultsOfPeriod),
    ...rates.flatMap(faultsOfRate),
    ...clashes(rates),
    ...mixedFees(rates),
    ...overlays.flatMap((overlay) => faultsOfOverlay(overlay, byId)),
  ]
}

function repeated(entries: readonly Located<{ readonly id: string }>[], key: string): CatalogueFault[] {
  const seen = new Set<string>()
  return entries.flatMap(({ entry, path }) => {
    if (seen.has(entry.id)) return [{ path: [...path, key], message: `${entry.id} stands twice | ${entry.id} bị lặp` }]
    seen.add(entry.id)
    return []
  })
}

function faultsOfPeriod({ entry, path }: Located<Period>): CatalogueFault[] {
  if (entry.validTo === null || entry.validFrom <= entry.validTo) return []
  return [{ path: [...path, 'validTo'], message: 'ends before it begins | hết hiệu lực trước khi có hiệu lực' }]
}

/** What must hold within one rate: the key to blame, when it is broken, and what to say. */
const ratePromises: readonly {
  readonly key: string
  readonly broken: (rate: FeeRate) => boolean
  readonly message: string
}[] = [
  {
    key: 'creditor',
    broken: ({ kind, creditor }) => creditor !== creditorOf[kind],
    message: 'not the creditor of this kind of fee | không phải chủ thu của loại khoản này',
  },
  {
    key: 'refundRule',
    broken: ({ kind, refundRule }) => (kind === 'TAX') !== (refundRule === 'TAX_LAW'),
    message: 'TAX_LAW goes with taxes, and only with them | TAX_LAW dùng cho thuế và chỉ cho thuế',
  },
  {
    key: 'unit',
    broken: ({ price, unit }) => price.by !== 'DECISION' && (price.by === 'PERCENT') !== (unit === 'PERCENT'),
    message: 'PERCENT goes with a percent, and only with it | PERCENT đi cùng tỷ lệ và chỉ cùng tỷ lệ',
  },
  {
    key: 'cap',
    broken: ({ price, cap, floor }) => price.by === 'DECISION' && (cap !== null || floor !== null),
    message: 'a decision sets the amount: no cap or floor | mức theo quyết định: không có trần, sàn',
  },
  {
    key: 'floor',
    broken: ({ cap, floor }) => cap !== null && floor !== null && floor > cap,
    message: 'above the cap | cao hơn trần',
  },
  {
    key: 'tiers',
    broken: ({ price }) => price.by === 'TIERS' && !climbs(price.tiers.map(({ upTo }) => upTo)),
    message: 'upTo must climb and only the last tier has none | upTo phải tăng dần và chỉ bậc cuối để trống',
  },
]

function faultsOfRate({ entry, path }: Located<FeeRate>): CatalogueFault[] {
  return ratePromises
    .filter(({ broken }) => broken(entry))
    .map(({ key, message }) => ({ path: [...path, key], message }))
}

/** Each bound above the one before, and exactly the last one open, so every quantity has a price. */
function climbs(bounds: readonly (number | null)[]): boolean {
  return bounds.every((bound, index) => {
    const last = index === bounds.length - 1
    return bound === null ? last : !last && bound > (bounds[index - 1] ?? 0)
  })
}

/** Two rates of one fee with the same selector on the same day: pricing would have to guess. */
function clashes(rates: readonly Located<FeeRate>[]): CatalogueFault[] {
  const alike = Map.groupBy(rates, ({ entry: { feeCode, selector } }) => {
    const { serviceCase, area, channel, payerGroups } = selector
    return JSON.stringify([feeCode, serviceCase, area, channel, payerGroups.length > 0])
  })
  return [...alike.values()].flatMap((group) =>
    group.flatMap(({ entry, path }, index) => {
      const twin = group.slice(0, index).find((other) => meets(other.entry, entry))?.entry.id
      if (twin === undefined) return []
      const message = `holds for the same people on the same days as ${twin} | trùng đối tượng và thời gian với ${twin}`
      return [{ path, message }]
    }),
  )
}

function meets(a: FeeRate, b: FeeRate): boolean {
  return overlaps(a, b) && sharesGroup(a.selector, b.selector)
}

function overlaps(a: Period, b: Period): boolean {
  return a.validFrom <= (b.validTo ?? '9999-12-31') && b.validFrom <= (a.validTo ?? '9999-12-31')
}

function sharesGroup(a: Selector, b: Selector): boolean {
  return a.payerGroups.length === 0 || a.payerGroups.some((group) => b.payerGroups.includes(group))
}

/** A fee has one kind and belongs to one procedure: else its rates would be no alternatives. */
function mixedFees(rates: readonly Located<FeeRate>[]): CatalogueFault[] {
  const first = new Map<string, { kind: FeeKind; procedure: string | number | undefined }>()
  return rates.flatMap(({ entry: { feeCode, kind }, path }) => {
    const known = first.get(feeCode) ?? { kind, procedure: path[1] }
    first.set(feeCode, known)
    if (known.kind === kind && known.procedure === path[1]) return []
    return [
      {
        path: [...path, 'feeCode'],
        message: `${feeCode} is another kind of fee or of another procedure | ${feeCode} thuộc loại khác hoặc thủ tục khác`,
      },
    ]
  })
}

function faultsOfOverlay({ entry, path }: Located<Adjustment>, rates: ReadonlyMap<string, FeeRate>): CatalogueFault[] {
  return entry.rateIds.flatMap((rateId, index) => {
    const rate = rates.get(rateId)
    const at = [...path, 'rateIds', index]
    if (rate === undefined) return [{ path: at, message: `no rate ${rateId} | không có mức thu ${rateId}` }]
    if (rate.price.by !== 'DECISION') return []
    return [
      {
        path: at,
        message: `${rateId} is set by a decision and not adjusted here | ${rateId} theo quyết định, không điều chỉnh ở đây`,
      },
    ]
  })
}

function nationalPart(code: string): string {
  const parsed = parseProcedureCode(code)
  return parsed.ok ? parsed.value.nationalPart : code
}
