import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

const name = { vi: 'Số định danh cá nhân', en: 'The personal id' }

/** 12 digits, the first three a place 001–096. It has no check digit; nothing more can be refused on its meaning (domain.md §4). */
export function parsePersonalId(received: string): Parsed<Code> {
  return patternCode(received, name, /^0(0[1-9]|[1-8]\d|9[0-6])\d{9}$/)
}
