/** Classification of a payment in the State budget. Texts, not numbers: leading zeros matter. Lengths: domain.md §4. */
import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

/** Unit that uses the State budget (mã ĐVQHNS): 7 digits. */
export function parseBudgetUnitCode(received: string): Parsed<Code> {
  return patternCode(received, { vi: 'Mã đơn vị quan hệ ngân sách', en: 'The budget unit code' }, /^\d{7}$/)
}

/** Chapter (mã chương): 3 digits. */
export function parseChapterCode(received: string): Parsed<Code> {
  return patternCode(received, { vi: 'Mã chương', en: 'The chapter code' }, /^\d{3}$/)
}

/** Economic content (tiểu mục): 4 digits. */
export function parseEconomicCode(received: string): Parsed<Code> {
  return patternCode(received, { vi: 'Mã nội dung kinh tế', en: 'The economic code' }, /^\d{4}$/)
}
