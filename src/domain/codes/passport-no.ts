import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

const name = { vi: 'Số hộ chiếu', en: 'The passport number' }

/** Any country's: 5–20 letters and digits. */
export function parsePassportNo(received: string): Parsed<Code> {
  return patternCode(received, name, /^[A-Z0-9]{5,20}$/)
}
