/**
 * The catalogue file: what a ministry's or People's Council's decision becomes before it is loaded. Strict: an unknown key,
 * a doubtful amount or two rates that would both hold are refused as a whole.
 *
 * Amounts are JSON integers or decimal strings, percentages decimal strings. `feeRate` and `adjustment` also read single
 * entries, so a store can keep the text of the file and read it back. Complaints are written `English | Tiếng Việt`.
 */
import { z } from 'zod'
import { parseChapterCode, parseEconomicCode } from '../codes/budget-code.ts'
import { parseProcedureCode } from '../codes/procedure-code.ts'
import { parsePercent, parseVnd, type Vnd } from '../money.ts'
import { startOfLocalDay } from '../vietnam-time.ts'
import {
  type Adjustment,
  type CatalogueSlice,
  creditors,
  type FeeRate,
  feeChannels,
  feeKinds,
  feeUnits,
  type Price,
  type Procedure,
  refundRules,
} from './catalogue.ts'
import { catalogueFaults } from './catalogue-faults.ts'

const id = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,79}$/, 'not an id | không phải mã')
const tag = z.string().regex(/^[A-Z][A-Z0-9_]{0,59}$/, 'not an upper-case tag | không phải nhãn chữ hoa')
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(
      /^[^\p{C}|]*$/u,
      'control or invisible characters, or a bar | có ký tự điều khiển, ký tự ẩn hoặc dấu gạch đứng',
    )
    .refine(
      (value) => value === value.normalize('NFC') && value === value.trim(),
      'not in NFC or with outer spaces | chưa chuẩn NFC hoặc thừa dấu cách',
    )
const localDate = z.string().refine((value) => startOfLocalDay(value) !== null, 'no such day | không có ngày này')

const amount = z.union([z.number(), z.string()]).transform((value, context): Vnd => {
  const vnd = parseVnd(value, 0n)
  if (vnd !== null) return vnd
  context.addIssue('not whole VND | không phải số đồng nguyên')
  return z.NEVER
})
const percent = z.string().transform((value, context) => {
  const share = parsePercent(value)
  if (share !== null) return share
  context.addIssue('not a percentage above 0 up to 100 | không phải tỷ lệ trên 0 đến 100')
  return z.NEVER
})

const economicCode = z
  .string()
  .refine(
    (value) => isCanonical(value, parseEconomicCode(value)),
    'not an economic code | không phải mã nội dung kinh tế',
  )
const chapterCode = z
  .string()
  .refine((value) => isCanonical(value, parseChapterCode(value)), 'not a chapter code | không phải mã chương')
const procedureCode = z
  .string()
  .refine((value) => isCanonical(value, parseProcedureCode(value)), 'not a procedure code | không phải mã thủ tục')

const basis = z.strictObject({ document: text(255), article: text(255) })
const period = { validFrom: localDate, validTo: localDate.nullable().default(null) }
const selector = {
  serviceCase: tag.nullable().default(null),
  area: tag.nullable().default(null),
  channel: z.enum(feeChannels).nullable().default(null),
  payerGroups: z.array(tag).max(50).default([]),
}
const tier = z.strictObject({ upTo: z.number().int().min(1).nullable().default(null), amount })

/** One rate as the file writes it, read into the model. */
export const feeRate = z
  .strictObject({
    id,
    feeCode: id,
    kind: z.enum(feeKinds),
    nameVi: text(255),
    nameEn: text(255).nullable().default(null),
    unit: z.enum(feeUnits),
    amount: amount.optional(),
    percent: percent.optional(),
    tiers: z.array(tier).min(1).max(20).optional(),
    cap: amount.nullable().default(null),
    floor: amount.nullable().default(null),
    ...selector,
    economicCode: economicCode.nullable().default(null),
    chapterCode: chapterCode.nullable().default(null),
    creditor: z.enum(creditors),
    basis,
    refundRule: z.enum(refundRules),
    ...period,
  })
  .transform(({ amount, percent, tiers, serviceCase, area, channel, payerGroups, ...rest }, context): FeeRate => {
    const given = [amount, percent, tiers].filter((value) => value !== undefined).length
    const byDecision = rest.kind === 'TAX' || rest.kind === 'FINE'
    if (given > 1 || (given === 0 && !byDecision) || (byDecision && tiers !== undefined)) {
      context.addIssue(
        'exactly one of amount, percent, tiers; taxes and fines at most amount or percent | phải có đúng một trong amount, percent, tiers; thuế và tiền phạt nhiều nhất là amount hoặc percent',
      )
      return z.NEVER
    }
    const price: Price = byDecision
      ? { by: 'DECISION', guide: amount !== undefined ? { amount } : percent !== undefined ? { percent } : null }
      : percent !== undefined
        ? { by: 'PERCENT', percent }
        : tiers !== undefined
          ? { by: 'TIERS', tiers }
          : { by: 'AMOUNT', amount: amount ?? 0n }
    return { ...rest, price, selector: { serviceCase, area, channel, payerGroups } }
  })

/** One exemption or reduction as the file writes it. */
export const adjustment = z
  .strictObject({
    id,
    kind: z.enum(['EXEMPTION', 'REDUCTION']),
    nameVi: text(255),
    rateIds: z.array(id).min(1).max(1000),
    ...selector,
    minEIdLevel: z.number().int().min(0).max(3).nullable().default(null),
    percent: percent.nullable().default(null),
    basis,
    ...period,
  })
  .refine(
    ({ kind, percent }) => (kind === 'REDUCTION') === (percent !== null),
    'a reduction needs a percent, an exemption has none | mức giảm cần percent, miễn thì không',
  )
  .transform(
    ({ serviceCase, area, channel, payerGroups, ...rest }): Adjustment => ({
      ...rest,
      selector: { serviceCase, area, channel, payerGroups },
    }),
  )

export const procedure = z.strictObject({
  code: procedureCode,
  nameVi: text(500),
  nameEn: text(500).nullable().default(null),
  agencyLevel: z.enum(['MINISTRY', 'PROVINCE', 'COMMUNE']),
  serviceScope: z.enum(['FULL', 'PARTIAL']),
  usedWithAny: z.boolean().default(false),
  rates: z.array(feeRate).min(1).max(500),
})

export const catalogueFile = z
  .strictObject({
    format: z.literal('feegate-catalogue/1'),
    /** Of the content, chosen by its editor. */
    version: text(60),
    /** True: for demos and tests; production refuses it. */
    illustrative: z.boolean(),
    source: text(1000),
    decision: z.strictObject({ number: text(60), date: localDate }),
    procedures: z.array(procedure).min(1).max(10_000),
    adjustments: z.array(adjustment).max(10_000).default([]),
  })
  // A transform runs only on entries that are whole; a refinement would also see half-read ones.
  .transform((catalogue, context) => {
    for (const { path, message } of catalogueFaults(catalogue)) {
      context.addIssue({ code: 'custom', path: [...path], message })
    }
    return catalogue
  })

export type Catalogue = z.infer<typeof catalogueFile>

export type CatalogueProblem = { readonly path: string; readonly messageVi: string; readonly messageEn: string }

/** Reads the parsed JSON of a catalogue file; all problems are listed, at most 100. */
export function readCatalogue(
  data: unknown,
):
  | { readonly ok: true; readonly catalogue: Catalogue }
  | { readonly ok: false; readonly problems: readonly CatalogueProblem[] } {
  const result = catalogueFile.safeParse(data)
  if (result.success) return { ok: true, catalogue: result.data }
  const problems = result.error.issues.slice(0, 100).map(({ path, message }) => {
    const [messageEn = message, messageVi = 'Giá trị không hợp lệ'] = message.split(' | ')
    return { path: path.join('.'), messageVi, messageEn }
  })
  return { ok: false, problems }
}

/** The part of a whole catalogue that prices one procedure; null when it is not there. `version` stands for every rule of the file. */
export function sliceOf(catalogue: Catalogue, code: string, version = 1): CatalogueSlice | null {
  const wanted = parseProcedureCode(code)
  const found = catalogue.procedures.find((one) => wanted.ok && nationalPart(one.code) === wanted.value.nationalPart)
  if (found === undefined) return null
  const { rates: _, ...procedure }: Procedure & { rates: unknown } = found
  const rates = catalogue.procedures
    .filter((one) => one === found || one.usedWithAny)
    .flatMap((one) => one.rates.map((rate) => ({ ...rate, version })))
  const ids = new Set(rates.map((rate) => rate.id))
  const adjustments = catalogue.adjustments
    .filter(({ rateIds }) => rateIds.some((rateId) => ids.has(rateId)))
    .map((one) => ({ ...one, version }))
  return { procedure, rates, adjustments }
}

function nationalPart(code: string): string | null {
  const parsed = parseProcedureCode(code)
  return parsed.ok ? parsed.value.nationalPart : null
}

function isCanonical(text: string, parsed: { ok: true; value: { canonical: string } } | { ok: false }): boolean {
  return parsed.ok && parsed.value.canonical === text
}
