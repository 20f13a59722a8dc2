import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

const name = { vi: 'Mã định danh khoản phải nộp', en: 'The tax obligation id' }

/** Given by the tax system, opaque. Compare on `canonical`; messages to others echo `received` unchanged (Circular 89/2026 art. 36). */
export function parseTaxObligationId(received: string): Parsed<Code> {
  return patternCode(received, name, /^[A-Z0-9]{5,40}$/)
}
