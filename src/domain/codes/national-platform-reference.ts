import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

const name = { vi: 'Mã tham chiếu của nền tảng quốc gia', en: 'The national platform reference' }

/** Order number of the national payment platform, `G22.99.3-241219795252`. Opaque: its parts mean nothing to us. */
export function parseNationalPlatformReference(received: string): Parsed<Code> {
  return patternCode(received, name, /^[A-Z]\d{2}(\.\d{1,3})*-\d{12}$/)
}
