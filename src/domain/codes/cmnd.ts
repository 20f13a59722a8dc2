import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

const name = { vi: 'Số chứng minh nhân dân', en: 'The old identity card number' }

/** The 9-digit number of the old card: only on old dossiers. */
export function parseCmnd(received: string): Parsed<Code> {
  return patternCode(received, name, /^\d{9}$/)
}
