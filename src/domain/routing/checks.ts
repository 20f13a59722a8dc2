/**
 * What must hold for a rail account to be offered: the table, and what each of its checks may look at. Every check is made for
 * every account, also after one has failed, and tells its numbers: the answer is its own explanation.
 */
import { formatVnd, type Vnd } from '../money.ts'
import { businessDate, readableLocalTime } from '../vietnam-time.ts'
import { type Calendar, type Closure, calendarAt, closureAt } from './calendar.ts'
import type { DecidedSettings, PlaceOfPayment, RouteLocale, RoutingRule } from './rules.ts'

/** Whether the rail behind an account has answered lately, as this process knows. */
export type Circuit = { readonly open: false } | { readonly open: true; readonly until: Date }

export type RouteAccount = {
  readonly id: string
  readonly rail: string
  /** Not paused by its operator. */
  readonly active: boolean
  /** An attempt can begin here. False: the payer goes to the bank with the pay code. */
  readonly startable: boolean
  readonly minAmount: Vnd
  readonly maxAmount: Vnd
  readonly position: number
  readonly circuit: Circuit
}

export type RouteQuestion = {
  readonly agencyCode: string
  readonly procedureCode: string
  readonly amount: Vnd
  readonly at: Date
  readonly channel: PlaceOfPayment
  readonly locale: RouteLocale
  /** Id of the invoice: equal accounts share invoices by it. Null when the question is about no invoice. */
  readonly invoiceId: string | null
}

/** All that a tenant has said about routing. */
export type Rulebook = {
  readonly rules: readonly RoutingRule[]
  readonly calendars: readonly Calendar[]
  readonly closures: readonly Closure[]
}

export const emptyRulebook: Rulebook = { rules: [], calendars: [], closures: [] }

/** Who or what a finding goes back to. `default`: nobody has said anything. */
export type DecidedBy = {
  readonly kind: 'account' | 'rail' | 'rule' | 'calendar' | 'closure' | 'circuit' | 'default'
  readonly id: string | null
  readonly version: number | null
}

export type Finding = {
  readonly passed: boolean
  readonly decidedBy: DecidedBy
  readonly facts: Readonly<Record<string, string | number | bigint | boolean | null | readonly string[]>>
  readonly vi: string
  readonly en: string
  /** When a passing state ends or a refusal is over, as far as known. */
  readonly until: Date | null
}

type Facts = {
  readonly account: RouteAccount
  readonly question: RouteQuestion
  readonly settings: DecidedSettings
  readonly rulebook: Rulebook
}

type Check = {
  readonly code: string
  /** For docs and people: what must hold. */
  readonly means: string
  /** A refusal by it passes by itself: the payer may come again. */
  readonly passing: boolean
  readonly look: (facts: Facts) => Finding
}

/** What must hold for an account to be offered. All of it, in the order in which reasons are told. */
export const routeChecks = [
  {
    code: 'account',
    means: 'the rail account is ACTIVE in the directory',
    passing: false,
    look: ({ account }) => ({
      ...said('account', account.id, account.active),
      facts: { status: account.active ? 'ACTIVE' : 'PAUSED' },
      ...(account.active
        ? text('Tài khoản kênh đang hoạt động.', 'The rail account is active.')
        : text('Kênh đang tạm ngừng.', 'The rail account is paused.')),
    }),
  },
  {
    code: 'startable',
    means: 'a payment can begin with us; other rails are paid at the bank by pay code',
    passing: false,
    look: ({ account }) => ({
      ...said('rail', account.rail, account.startable),
      facts: { rail: account.rail },
      ...(account.startable
        ? text('Thanh toán bắt đầu tại đây.', 'A payment begins here.')
        : text('Thanh toán tại ngân hàng bằng mã thanh toán.', 'Paid at the bank by pay code.')),
    }),
  },
  {
    code: 'switch',
    means: 'no rule switches it off (`offered`)',
    passing: false,
    look: ({ settings: { offered } }) => ({
      ...ruled(offered.rule, offered.value),
      facts: { offered: offered.value },
      ...(offered.value
        ? text('Kênh được bật.', 'The rail is switched on.')
        : text('Cơ quan không dùng kênh này cho khoản thu này.', 'The agency does not use this rail for this demand.')),
    }),
  },
  {
    code: 'channel',
    means: 'it may be used where the payer is (`channels`)',
    passing: false,
    look: ({ question: { channel }, settings: { channels } }) => {
      const place = channel === 'ONLINE' ? text('trực tuyến', 'online') : text('tại quầy', 'at a counter')
      return {
        ...ruled(channels.rule, channels.value.includes(channel)),
        facts: { channel, allowed: channels.value },
        ...(channels.value.includes(channel)
          ? text(`Dùng được ${place.vi}.`, `Can be used ${place.en}.`)
          : text(`Không dùng được ${place.vi}.`, `Cannot be used ${place.en}.`)),
      }
    },
  },
  {
    code: 'locale',
    means: "it speaks the payer's language (`locales`)",
    passing: false,
    look: ({ question: { locale }, settings: { locales } }) => {
      const language = locale === 'vi' ? text('tiếng Việt', 'Vietnamese') : text('tiếng Anh', 'English')
      return {
        ...ruled(locales.rule, locales.value.includes(locale)),
        facts: { locale, allowed: locales.value },
        ...(locales.value.includes(locale)
          ? text(`Trang của kênh có ${language.vi}.`, `The pages of the rail are in ${language.en}.`)
          : text(`Trang của kênh không có ${language.vi}.`, `The pages of the rail are not in ${language.en}.`)),
      }
    },
  },
  {
    code: 'rail-limit',
    means: "the amount is within the rail's own limits",
    passing: false,
    look: ({ account: { rail, minAmount, maxAmount }, question: { amount } }) => ({
      ...said('rail', rail, amount >= minAmount && amount <= maxAmount),
      ...limit(amount, minAmount, maxAmount, 'của kênh', 'of the rail'),
    }),
  },
  {
    code: 'rule-limit',
    means: 'the amount is within the limits set by rules (`minAmount`, `maxAmount`)',
    passing: false,
    look: ({ question: { amount }, settings: { minAmount, maxAmount } }) => {
      const high = maxAmount.value !== null && amount > maxAmount.value
      const passed = !high && (minAmount.value === null || amount >= minAmount.value)
      return {
        ...ruled(high ? maxAmount.rule : (minAmount.rule ?? maxAmount.rule), passed),
        ...limit(amount, minAmount.value, maxAmount.value, 'do cơ quan đặt', 'set by the agency'),
      }
    },
  },
  {
    code: 'hours',
    means: 'it is open by its calendar (`calendarId`), holidays and worked weekends included',
    passing: true,
    look: ({ question: { at }, settings: { calendarId }, rulebook: { calendars } }) => {
      const calendar = calendars.find(({ id }) => id === calendarId.value)
      if (calendar === undefined)
        return {
          ...ruled(calendarId.rule, calendarId.value === null),
          facts: { calendarId: calendarId.value },
          ...text('Không giới hạn giờ.', 'Open day and night.'),
        }
      const { open, until, dayName } = calendarAt(calendar, at)
      const day = dayName === null ? text('', '') : text(` (${dayName})`, ` (${dayName})`)
      return {
        passed: open,
        decidedBy: { kind: 'calendar', id: calendar.id, version: calendar.version },
        until,
        facts: {
          calendarId: calendar.id,
          rule: calendarId.rule?.id ?? null,
          localTime: readableLocalTime(at),
          day: dayName,
        },
        ...(open
          ? text(`Đang mở${day.vi}${ending(' đến', until)}.`, `Open${day.en}${ending(' until', until)}.`)
          : text(
              `Ngoài giờ nhận thanh toán${day.vi}${ending(', mở lại lúc', until)}.`,
              `Outside its hours${day.en}${ending(', opens again at', until)}.`,
            )),
      }
    },
  },
  {
    code: 'maintenance',
    means: 'no announced closure holds it',
    passing: true,
    look: ({ account, question: { at }, rulebook: { closures } }) => {
      const closure = closureAt(account, closures, at)
      if (closure === null)
        return { ...said('default', null, true), facts: {}, ...text('Không bảo trì.', 'No maintenance.') }
      return {
        passed: false,
        decidedBy: { kind: 'closure', id: closure.id, version: closure.version },
        until: closure.to,
        facts: { closureId: closure.id, from: closure.from.toISOString(), to: closure.to.toISOString() },
        ...text(
          `${closure.reasonVi}${ending(', đến', closure.to)}.`,
          `${closure.reasonEn}${ending(', until', closure.to)}.`,
        ),
      }
    },
  },
  {
    code: 'circuit',
    means: 'the rail has answered lately, or `whenUnanswered` is LAST: then it is offered after all others',
    passing: true,
    look: ({ account: { circuit }, settings: { whenUnanswered } }) => {
      const passed = !circuit.open || whenUnanswered.value === 'LAST'
      return {
        passed,
        decidedBy: circuit.open ? { kind: 'circuit', id: null, version: null } : by('default', null),
        until: circuit.open ? circuit.until : null,
        facts: { open: circuit.open, whenUnanswered: whenUnanswered.value, rule: whenUnanswered.rule?.id ?? null },
        ...(circuit.open
          ? text(
              `Kênh đang không trả lời, thử lại lúc ${clock(circuit.until)}.`,
              `The rail does not answer for now; it is tried again at ${clock(circuit.until)}.`,
            )
          : text('Kênh đang trả lời.', 'The rail answers.')),
      }
    },
  },
] as const satisfies readonly Check[]

function by(kind: DecidedBy['kind'], id: string | null, version: number | null = null): DecidedBy {
  return { kind, id, version }
}

function said(
  kind: DecidedBy['kind'],
  id: string | null,
  passed: boolean,
): Pick<Finding, 'passed' | 'decidedBy' | 'until'> {
  return { passed, decidedBy: by(kind, id), until: null }
}

function ruled(rule: RoutingRule | null, passed: boolean): Pick<Finding, 'passed' | 'decidedBy' | 'until'> {
  return { passed, decidedBy: rule === null ? by('default', null) : by('rule', rule.id, rule.version), until: null }
}

function text(vi: string, en: string): Pick<Finding, 'vi' | 'en'> {
  return { vi, en }
}

function limit(
  amount: Vnd,
  min: Vnd | null,
  max: Vnd | null,
  whoseVi: string,
  whoseEn: string,
): Pick<Finding, 'facts' | 'vi' | 'en'> {
  const facts = { amount, minAmount: min, maxAmount: max }
  const [vi, en] = [formatVnd(amount, 'vi'), formatVnd(amount, 'en')]
  if (max !== null && amount > max)
    return {
      facts,
      ...text(
        `${vi} vượt mức cao nhất ${whoseVi} là ${formatVnd(max, 'vi')}.`,
        `${en} is above the limit ${whoseEn}, ${formatVnd(max, 'en')}.`,
      ),
    }
  if (min !== null && amount < min)
    return {
      facts,
      ...text(
        `${vi} dưới mức thấp nhất ${whoseVi} là ${formatVnd(min, 'vi')}.`,
        `${en} is below the least amount ${whoseEn}, ${formatVnd(min, 'en')}.`,
      ),
    }
  return { facts, ...text(`${vi} trong hạn mức ${whoseVi}.`, `${en} is within the limits ${whoseEn}.`) }
}

/** `08:00 23/11/2026`, in Viet Nam. */
function clock(at: Date): string {
  return `${readableLocalTime(at).slice(11, 16)} ${businessDate(at).split('-').reverse().join('/')}`
}

function ending(before: string, until: Date | null): string {
  return until === null ? '' : `${before} ${clock(until)}`
}
