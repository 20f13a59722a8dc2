/**
 * What may be given back, for which reason, by which channel (domain.md §6.1, §7.6, R11), as data first. Pure: the caller has
 * read the settlement and its refunds under their lock.
 */
import type { Disposition } from './decision.ts'
import type { Creditor, RefundRule } from './fees/catalogue.ts'
import { sumVnd } from './money.ts'
import { holdsMoney, type RefundChannel, type RefundOrigin, type RefundStatus } from './refund.ts'

export const refundReasons = [
  'NOT_GRANTED',
  'WITHDRAWN',
  'PAID_TWICE',
  'NOT_OWED',
  'DEBT_STANDS',
  'DEBT_SETTLED',
  'DEBT_WRITTEN_OFF',
] as const
export type RefundReason = (typeof refundReasons)[number]

export function isRefundReason(text: string): text is RefundReason {
  return (refundReasons as readonly string[]).includes(text)
}

/** Whose money a refund draws on: what a creditor collected for its items, what paid nothing, or none (the rail took it back). */
export type RefundMoney = 'COLLECTED' | 'UNAPPLIED' | 'NONE'

export type ReasonRule = {
  readonly money: RefundMoney
  /** Refund rules of the items that it gives back. Taxes are in none (R11). */
  readonly allows: readonly RefundRule[]
  readonly askedBy: readonly ('portal' | 'officer')[]
  readonly needsOtherPayment: boolean
  readonly titleVi: string
  readonly titleEn: string
}

export const reasonRules: Readonly<Record<RefundReason, ReasonRule>> = {
  NOT_GRANTED: {
    money: 'COLLECTED',
    allows: ['IF_NOT_GRANTED'],
    askedBy: ['portal', 'officer'],
    needsOtherPayment: false,
    titleVi: 'Hồ sơ không đủ điều kiện giải quyết',
    titleEn: 'The dossier was not granted',
  },
  WITHDRAWN: {
    money: 'COLLECTED',
    // Returned when the applicant does not qualify, not when he declines the result (domain.md §7.6).
    allows: [],
    askedBy: ['portal', 'officer'],
    needsOtherPayment: false,
    titleVi: 'Người nộp rút hồ sơ hoặc không nhận kết quả',
    titleEn: 'The applicant withdrew or declined the result',
  },
  PAID_TWICE: {
    money: 'COLLECTED',
    allows: ['IF_NOT_GRANTED', 'NEVER', 'ALWAYS_DUPLICATE'],
    askedBy: ['officer'],
    needsOtherPayment: true,
    titleVi: 'Nộp hai lần cho cùng một khoản',
    titleEn: 'The same debt was paid twice',
  },
  NOT_OWED: {
    money: 'UNAPPLIED',
    allows: [],
    askedBy: ['officer'],
    needsOtherPayment: false,
    titleVi: 'Tiền không thuộc khoản phải thu nào',
    titleEn: 'Money that pays no debt',
  },
  DEBT_STANDS: {
    money: 'NONE',
    allows: [],
    askedBy: ['officer'],
    needsOtherPayment: false,
    titleVi: 'Ngân hàng đã lấy lại tiền: vẫn phải thu, lập khoản thu mới',
    titleEn: 'The rail took the money back: the debt stands, a new invoice is issued',
  },
  DEBT_SETTLED: {
    money: 'NONE',
    allows: [],
    askedBy: ['officer'],
    needsOtherPayment: true,
    titleVi: 'Ngân hàng đã lấy lại tiền: khoản phải thu đã được nộp cách khác',
    titleEn: 'The rail took the money back: the debt was paid otherwise',
  },
  DEBT_WRITTEN_OFF: {
    money: 'NONE',
    allows: [],
    askedBy: ['officer'],
    needsOtherPayment: false,
    titleVi: 'Ngân hàng đã lấy lại tiền: không thu nữa theo quyết định',
    titleEn: 'The rail took the money back: the debt is written off by a decision',
  },
}

/** What people are told about taxes instead of a refund: Decree 252/2026/NĐ-CP, Circular 89/2026/TT-BTC art. 36. */
export const taxProcedure = {
  basis: 'Nghị định 252/2026/NĐ-CP; Thông tư 89/2026/TT-BTC, điều 36',
  vi: 'Tiền thuế đã nộp do cơ quan thuế bù trừ hoặc hoàn trả, ngân hàng và cổng thanh toán không được huỷ hay hoàn. Người nộp gửi văn bản đề nghị xử lý số tiền nộp thừa đến cơ quan thuế quản lý khoản thu, nêu mã khoản nộp, mã giao dịch ngân hàng và ngày nộp.',
  en: 'A tax that was paid is set off or returned by the tax authority; neither bank nor gateway may cancel or return it. The payer asks the tax authority in charge to deal with the overpaid amount, naming the obligation id, the bank transaction and the day of payment.',
} as const

/** Into whose account the money came, and which way out of it is open. */
export const channelsOfCreditor: Readonly<Record<Creditor, readonly RefundChannel[]>> = {
  COLLECTING_AGENCY: ['RAIL_REVERSAL', 'AGENCY_PAYOUT', 'TREASURY_ORDER'],
  STATE_BUDGET: ['RAIL_REVERSAL', 'TREASURY_ORDER'],
  PUBLIC_POST: ['RAIL_REVERSAL', 'AGENCY_PAYOUT'],
}

export function moneyOf(origin: RefundOrigin): RefundMoney {
  if (origin === 'REQUEST') return 'COLLECTED'
  return origin === 'REVERSED' ? 'NONE' : 'UNAPPLIED'
}

export type RefundItem = { readonly lineNo: number; readonly amount: bigint }

export type PaidItem = {
  readonly lineNo: number
  readonly kind: string
  readonly net: bigint
  readonly refundRule: string
}

export type PaidMoney = {
  readonly disposition: Disposition
  readonly amount: bigint
  /** The rail has taken this payment back: nothing of it is left. */
  readonly reversed: boolean
  /** Lines of the invoice it belongs to; empty for an orphan. */
  readonly items: readonly PaidItem[]
  /** All refunds of this payment, in any state. */
  readonly refunds: readonly {
    readonly status: RefundStatus
    readonly origin: RefundOrigin
    readonly amount: bigint
    readonly items: readonly RefundItem[]
  }[]
}

/** What no refund holds yet. */
export type Left = { readonly unapplied: bigint; readonly items: ReadonlyMap<number, bigint> }

export function leftOf(paid: PaidMoney): Left {
  const collects = paid.disposition === 'APPLIED' || paid.disposition === 'OVERPAID'
  const items = new Map(paid.items.map(({ lineNo, net }) => [lineNo, collects && !paid.reversed ? net : 0n]))
  let unapplied =
    paid.reversed || paid.disposition === 'REVERSED'
      ? 0n
      : paid.amount - (collects ? sumVnd(paid.items.map(({ net }) => net)) : 0n)
  for (const refund of paid.refunds) {
    if (!holdsMoney(refund.status)) continue
    if (moneyOf(refund.origin) === 'UNAPPLIED') unapplied -= refund.amount
    for (const { lineNo, amount } of refund.items) items.set(lineNo, (items.get(lineNo) ?? 0n) - amount)
  }
  return { unapplied, items }
}

export type RefundAsk = {
  readonly reason: RefundReason
  /** Collected money: lines, each with its part; absent: all that the reason gives back and is left. */
  readonly items?: readonly { readonly lineNo: number; readonly amount?: bigint | undefined }[]
  /** Money that pays nothing: a part; absent: all that is left. */
  readonly amount?: bigint
}

export type Allotment =
  | { readonly ok: true; readonly amount: bigint; readonly items: readonly RefundItem[] }
  | {
      readonly ok: false
      readonly why: 'tax' | 'rule' | 'tooMuch' | 'nothingLeft' | 'noSuchLine' | 'wrongMoney'
      /** Lines to blame; empty when it is about the whole. */
      readonly lines: readonly number[]
      readonly left: bigint
    }

/** Turns a request into what it takes from the payment, or tells why it may not. */
export function allot(ask: RefundAsk, paid: PaidMoney): Allotment {
  const rule = reasonRules[ask.reason]
  const left = leftOf(paid)
  const refuse = (why: (Allotment & { ok: false })['why'], lines: readonly number[] = [], over = 0n): Allotment => ({
    ok: false,
    why,
    lines,
    left: over,
  })
  if (rule.money === 'NONE') return refuse('wrongMoney')
  if (rule.money === 'UNAPPLIED') {
    if (ask.items !== undefined) return refuse('wrongMoney')
    if (left.unapplied <= 0n) return refuse('nothingLeft')
    const amount = ask.amount ?? left.unapplied
    return amount > left.unapplied ? refuse('tooMuch', [], left.unapplied) : { ok: true, amount, items: [] }
  }
  if (ask.amount !== undefined || (paid.disposition !== 'APPLIED' && paid.disposition !== 'OVERPAID'))
    return refuse('wrongMoney')

  const named = ask.items ?? paid.items.filter(({ net }) => net > 0n)
  const lines = named.map(({ lineNo }) => lineNo)
  const unknown = lines.filter((lineNo, at) => !left.items.has(lineNo) || lines.indexOf(lineNo) !== at)
  if (unknown.length > 0) return refuse('noSuchLine', unknown)
  const ruleOf = new Map(paid.items.map((item) => [item.lineNo, item]))
  const isTax = (lineNo: number): boolean =>
    ruleOf.get(lineNo)?.refundRule === 'TAX_LAW' || ruleOf.get(lineNo)?.kind === 'TAX'
  const isAllowed = (lineNo: number): boolean =>
    !isTax(lineNo) && rule.allows.some((allowed) => allowed === ruleOf.get(lineNo)?.refundRule)
  const refused = lines.filter((lineNo) => !isAllowed(lineNo))
  // Lines named one by one are all meant; of the whole invoice, what the rules give back is.
  if (ask.items === undefined ? refused.length === lines.length : refused.length > 0)
    return refuse(refused.some(isTax) ? 'tax' : 'rule', refused)

  const items: RefundItem[] = []
  const over: number[] = []
  for (const { lineNo, amount } of named.map((item) => ({ amount: undefined, ...item }))) {
    if (!isAllowed(lineNo)) continue
    const rest = left.items.get(lineNo) ?? 0n
    const taken = amount ?? rest
    if (taken > rest) over.push(lineNo)
    else if (taken > 0n) items.push({ lineNo, amount: taken })
  }
  if (over.length > 0) return refuse('tooMuch', over, sumVnd(over.map((lineNo) => left.items.get(lineNo) ?? 0n)))
  if (items.length === 0) return refuse('nothingLeft')
  return { ok: true, amount: sumVnd(items.map(({ amount }) => amount)), items }
}

/** Whether a refund still fits what the others leave: true for its own amount and lines. */
export function fits(
  refund: Pick<PaidMoney['refunds'][number], 'origin' | 'amount' | 'items'>,
  others: PaidMoney,
): boolean {
  const left = leftOf(others)
  if (moneyOf(refund.origin) === 'UNAPPLIED') return refund.amount <= left.unapplied
  return refund.items.length > 0 && refund.items.every(({ lineNo, amount }) => amount <= (left.items.get(lineNo) ?? 0n))
}

export type ChannelFacts = {
  readonly creditor: Creditor
  /** The invoice has a tax among its items. */
  readonly hasTax: boolean
  readonly railRefund: 'none' | 'full' | 'partial'
  /** The payment has an attempt of ours at the rail, which refunds name. */
  readonly hasAttempt: boolean
  /** This refund is the whole payment. */
  readonly isWhole: boolean
  /** Paid on the business day that it is: before the rail's money is swept on. */
  readonly paidToday: boolean
}

export type ChannelFault = 'creditor' | 'tax' | 'railHasNone' | 'railWholeOnly' | 'noAttempt'

/** Why a channel cannot take this refund; null when it can. */
export function channelFault(channel: RefundChannel, facts: ChannelFacts): ChannelFault | null {
  if (!channelsOfCreditor[facts.creditor].includes(channel)) return 'creditor'
  // Even money that paid nothing: what reached a tax account leaves it by the Treasury's papers only (R11).
  if (facts.hasTax && channel !== 'TREASURY_ORDER') return 'tax'
  if (channel !== 'RAIL_REVERSAL') return null
  if (facts.railRefund === 'none') return 'railHasNone'
  if (!facts.hasAttempt) return 'noAttempt'
  return facts.railRefund === 'full' && !facts.isWhole ? 'railWholeOnly' : null
}

/** The rail while the money is still there, then the account it was swept into. */
export function defaultChannel(facts: ChannelFacts): RefundChannel {
  if (facts.paidToday && channelFault('RAIL_REVERSAL', facts) === null) return 'RAIL_REVERSAL'
  return channelFault('AGENCY_PAYOUT', facts) === null ? 'AGENCY_PAYOUT' : 'TREASURY_ORDER'
}
