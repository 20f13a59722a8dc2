/** Taxes and fines: the amount comes from an authority's notice or decision. It is checked for form here, never computed. */
import { parseChapterCode, parseEconomicCode } from '../codes/budget-code.ts'
import type { Parsed } from '../codes/result.ts'
import { parseTaxObligationId } from '../codes/tax-obligation-id.ts'
import { maxVnd, type Vnd } from '../money.ts'
import { startOfLocalDay } from '../vietnam-time.ts'
import type { LocalDate } from './catalogue.ts'
import { type FeeRefusal, refuse } from './refusal.ts'

export type Decision = { readonly number: string; readonly date: LocalDate; readonly authority: string }

export type DecisionItem = {
  readonly kind: 'TAX' | 'FINE'
  readonly nameVi: string
  readonly amount: Vnd
  readonly economicCode: string
  readonly chapterCode: string | null
  /** Given by the tax system; goes through unchanged. */
  readonly taxObligationId: string | null
  readonly decision: Decision
}

/** The same item with its codes in canonical form, or a refusal. A decision cannot be younger than the invoice that asks for it. */
export function checkDecisionItem(
  item: DecisionItem,
  issuedOn: LocalDate,
): { readonly ok: true; readonly item: DecisionItem } | FeeRefusal {
  const { decision } = item
  const wrong = (problemVi: string, problemEn: string) => refuse('DECISION_INVALID', { problemVi, problemEn })
  if (!isLine(item.nameVi, 255)) return wrong('tên khoản thu', 'name of the item')
  if (item.amount < 1n || item.amount > maxVnd)
    return wrong(`số tiền phải từ 1 đến ${maxVnd}`, `the amount must be from 1 to ${maxVnd}`)
  if (!isLine(decision.number, 60)) return wrong('số quyết định', 'number of the decision')
  if (!isLine(decision.authority, 255)) return wrong('cơ quan ban hành', 'issuing authority')
  if (startOfLocalDay(decision.date) === null) return wrong('ngày quyết định', 'date of the decision')
  if (decision.date > issuedOn) return wrong('ngày quyết định ở tương lai', 'the decision is dated in the future')
  if (item.kind === 'FINE' && item.taxObligationId !== null) {
    return wrong('tiền phạt không có mã định danh khoản phải nộp', 'a fine has no tax obligation id')
  }
  const economicCode = parseEconomicCode(item.economicCode)
  if (!economicCode.ok) return wrong(economicCode.messageVi, economicCode.messageEn)
  const chapterCode = optional(item.chapterCode, parseChapterCode)
  if (!chapterCode.ok) return wrong(chapterCode.messageVi, chapterCode.messageEn)
  const taxObligationId = optional(item.taxObligationId, parseTaxObligationId)
  if (!taxObligationId.ok) return wrong(taxObligationId.messageVi, taxObligationId.messageEn)
  return {
    ok: true,
    item: {
      ...item,
      economicCode: economicCode.value.canonical,
      chapterCode: chapterCode.value?.canonical ?? null,
      taxObligationId: taxObligationId.value?.received ?? null,
    },
  }
}

function optional<Value>(text: string | null, parse: (text: string) => Parsed<Value>): Parsed<Value | null> {
  return text === null ? { ok: true, value: null } : parse(text)
}

/** One line a person can read: no control or invisible characters, no `|`, nothing but spaces refused. */
function isLine(text: string, maxLength: number): boolean {
  return text.length <= maxLength && text.trim() !== '' && /^[^\p{C}\p{Zl}\p{Zp}|]*$/u.test(text)
}
