import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

const name = { vi: 'Số tài khoản ngân hàng', en: 'The bank account number' }

/** 4–24 letters and digits; a text, because leading zeros matter. */
export function parseBankAccount(received: string): Parsed<Code> {
  return patternCode(received, name, /^[A-Z0-9]{4,24}$/)
}
