/** State Treasury offices and their accounts (domain.md §4). */
import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

/** Treasury office: 4 digits. */
export function parseTreasuryCode(received: string): Parsed<Code> {
  return patternCode(received, { vi: 'Mã Kho bạc Nhà nước', en: 'The treasury code' }, /^\d{4}$/)
}

/** Account at the Treasury, `7111` or with dotted parts. Kept as text. */
export function parseTreasuryAccount(received: string): Parsed<Code> {
  return patternCode(received, { vi: 'Tài khoản kho bạc', en: 'The treasury account' }, /^\d{4,20}(\.\d+)*$/)
}
