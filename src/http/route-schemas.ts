/** How routes are told: to portals about an invoice, to officers about any demand. */
import { z } from 'zod'
import { routeChecks } from '../domain/routing/checks.ts'
import type { Decided, RouteSettings } from '../domain/routing/rules.ts'
import type { RailRoute } from '../rails/router.ts'

const checkCodes = routeChecks.map(({ code }) => code)

const decidedBy = z
  .object({
    kind: z.enum(['account', 'rail', 'rule', 'calendar', 'closure', 'circuit', 'default']),
    id: z.string().nullable(),
    version: z.number().int().nullable(),
  })
  .meta({ description: 'Who or what decided; `default`: no rule says anything' })

export const feeShareAnswer = z
  .object({
    paidBy: z.enum(['PAYER', 'AGENCY', 'TENANT']),
    nameVi: z.string(),
    nameEn: z.string(),
    amount: z.number().int(),
    currency: z.literal('VND'),
  })
  .meta({ description: "As agreed with the rail; never part of the invoice's amount" })

const setting = <Value extends z.ZodType>(value: Value) => z.object({ value, decidedBy })

export const routeAnswer = z
  .object({
    railAccountId: z.string(),
    rail: z.string(),
    titleVi: z.string(),
    titleEn: z.string(),
    standing: z.enum(['OFFERED', 'STANDBY', 'NOT_OFFERED']).meta({
      description: 'STANDBY: good as well, an equal account goes first for this invoice',
    }),
    rank: z.number().int().nullable().meta({ description: 'Place in the list that payers see, from 1' }),
    behind: z.string().nullable().meta({ description: 'Of a STANDBY: the account it stands behind' }),
    share: z
      .object({ weight: z.number().int(), of: z.number().int() })
      .nullable()
      .meta({ description: 'Its weight in its group, of the sum of the weights that are good now' }),
    order: setting(z.number().int()),
    group: setting(z.string().nullable()),
    weight: setting(z.number().int()),
    fees: z.array(feeShareAnswer),
    checks: z.array(
      z.object({
        code: z.enum(checkCodes),
        passed: z.boolean(),
        decidedBy,
        facts: z.record(z.string(), z.unknown()).meta({ description: 'The numbers that were compared' }),
        until: z.string().nullable().meta({ description: 'RFC 3339 UTC: when this is expected to change' }),
        vi: z.string(),
        en: z.string(),
      }),
    ),
  })
  .meta({ id: 'Route' })

/** Said in every answer, because it is true of every answer. */
export const circuitNote = {
  vi: 'Trạng thái trả lời của kênh (circuit) là của tiến trình đã trả lời yêu cầu này; tiến trình khác có thể thấy khác trong khoảng 30 giây.',
  en: 'Whether a rail answers (circuit) is what the process that answered this request has seen; another may see it otherwise for about 30 seconds.',
}
export const circuitNoteAnswer = z.object({ vi: z.string(), en: z.string() })

export function routeAnswerOf(route: RailRoute): z.infer<typeof routeAnswer> {
  const { account, standing, rank, behind, share, settings, fees, findings } = route
  return {
    railAccountId: account.id,
    rail: account.rail,
    titleVi: account.titleVi,
    titleEn: account.titleEn,
    standing,
    rank,
    behind,
    share,
    order: {
      value: settings.order.value ?? account.position,
      decidedBy:
        settings.order.value === null ? { kind: 'account', id: account.id, version: null } : ruleOf(settings.order),
    },
    group: { value: settings.group.value, decidedBy: ruleOf(settings.group) },
    weight: { value: settings.weight.value, decidedBy: ruleOf(settings.weight) },
    fees: fees.map(feeAnswerOf),
    checks: findings.map(({ code, passed, decidedBy, facts, until, vi, en }) => ({
      code,
      passed,
      decidedBy,
      facts: Object.fromEntries(
        Object.entries(facts).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
      ),
      until: until?.toISOString() ?? null,
      vi,
      en,
    })),
  }
}

export function feeAnswerOf(fee: RailRoute['fees'][number]): z.infer<typeof feeShareAnswer> {
  return { ...fee, amount: Number(fee.amount), currency: 'VND' }
}

function ruleOf({ rule }: Decided<RouteSettings[keyof RouteSettings]>): z.infer<typeof decidedBy> {
  return rule === null
    ? { kind: 'default', id: null, version: null }
    : { kind: 'rule', id: rule.id, version: rule.version }
}
