/** The routing section of a directory file (docs/routing.md), and its entries as stored: checked at both edges by one schema. */
import { z } from 'zod'
import { findAdapter } from '../../adapters/registry.ts'
import { parseAgencyCode } from '../domain/codes/agency-code.ts'
import { parseProcedureCode } from '../domain/codes/procedure-code.ts'
import { maxVnd } from '../domain/money.ts'
import { dayNames, minuteOf } from '../domain/routing/calendar.ts'

const entryId = z.string().regex(/^[a-z0-9][a-z0-9-]{2,59}$/, 'lower-case letters, digits and dashes')
const shortText = z.string().min(1).max(200)
const vnd = z.int().min(0).max(Number(maxVnd)).transform(BigInt)
const localDate = z.iso.date()
const instant = z.iso.datetime({ offset: true })

const agencyCode = z.string().refine((text) => {
  const parsed = parseAgencyCode(text)
  return parsed.ok && parsed.value.canonical === text
}, 'not an agency code')
const procedureCode = z.string().refine((text) => {
  const parsed = parseProcedureCode(text)
  return parsed.ok && parsed.value.nationalPart === text
}, 'not the national part of a procedure code')
const rail = z.string().refine((name) => findAdapter(name) !== undefined, 'there is no such rail')

const accounts = {
  railAccountIds: z.array(entryId).max(200).default([]),
  rails: z.array(rail).max(50).default([]),
}
const oneKindOfAccount = (entry: { railAccountIds: readonly string[]; rails: readonly string[] }): boolean =>
  entry.railAccountIds.length === 0 || entry.rails.length === 0
const oneKind = 'name rail accounts or rails, not both'

const fromTo = {
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM'),
  to: z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'HH:MM, at most 24:00'),
}
const inOrder = ({ from, to }: { from: string; to: string }): boolean => minuteOf(from) < minuteOf(to)
const notInOrder = 'from must be before to; write hours over midnight as two'
const hours = z.strictObject(fromTo).refine(inOrder, notInOrder)
const weeklyHours = z
  .strictObject({ days: z.array(z.enum(dayNames)).min(1).max(7), ...fromTo })
  .refine(inOrder, notInOrder)

const fee = z.strictObject({
  paidBy: z.enum(['PAYER', 'AGENCY', 'TENANT']),
  nameVi: shortText,
  nameEn: shortText,
  fixed: vnd.default(0n),
  basisPoints: z.int().min(0).max(10_000).default(0).transform(BigInt),
  least: vnd.nullable().default(null),
  most: vnd.nullable().default(null),
})

const settings = z
  .strictObject({
    offered: z.boolean().optional(),
    minAmount: vnd.nullable().optional(),
    maxAmount: vnd.nullable().optional(),
    calendarId: entryId.nullable().optional(),
    channels: z
      .array(z.enum(['ONLINE', 'COUNTER']))
      .min(1)
      .optional(),
    locales: z
      .array(z.enum(['vi', 'en']))
      .min(1)
      .optional(),
    order: z.int().min(0).max(10_000).nullable().optional(),
    group: entryId.nullable().optional(),
    weight: z.int().min(0).max(1_000).optional(),
    whenUnanswered: z.enum(['HIDE', 'LAST']).optional(),
    fees: z.array(fee).max(4).optional(),
  })
  .refine((set) => Object.values(set).some((value) => value !== undefined), 'sets nothing')
  .refine(({ minAmount, maxAmount }) => (minAmount ?? 0n) <= (maxAmount ?? maxVnd), 'minAmount is above maxAmount')

export const ruleSchema = z
  .strictObject({
    id: entryId,
    ...accounts,
    agencyCodes: z.array(agencyCode).max(500).default([]),
    procedureCodes: z.array(procedureCode).max(2_000).default([]),
    validFrom: localDate.nullable().default(null),
    validTo: localDate.nullable().default(null),
    set: settings,
    /** Why, for people: a decision's number, a contract. */
    note: z.string().max(500).default(''),
  })
  .refine(oneKindOfAccount, oneKind)
  .refine(
    ({ validFrom, validTo }) => validFrom === null || validTo === null || validFrom <= validTo,
    'validFrom is after validTo',
  )

export const calendarSchema = z
  .strictObject({
    id: entryId,
    weekly: z.array(weeklyHours).max(50),
    dates: z
      .array(z.strictObject({ date: localDate, name: shortText, hours: z.array(hours).max(10) }))
      .max(400)
      .default([]),
    note: z.string().max(500).default(''),
  })
  .refine(({ dates }) => new Set(dates.map(({ date }) => date)).size === dates.length, 'a date stands there twice')

export const closureSchema = z
  .strictObject({
    id: entryId,
    ...accounts,
    from: instant,
    to: instant,
    reasonVi: shortText,
    reasonEn: shortText,
  })
  .refine(oneKindOfAccount, oneKind)
  .refine(({ from, to }) => new Date(from) < new Date(to), 'from must be before to')

export const routingSection = z.strictObject({
  rules: z.array(ruleSchema).max(2_000).default([]),
  calendars: z.array(calendarSchema).max(100).default([]),
  closures: z.array(closureSchema).max(500).default([]),
})

export type RoutingSection = z.infer<typeof routingSection>
