import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

export type ProcedureCode = Code & {
  /** `1.002835` of `1.002835.000.00.00.H56`: two spellings of one procedure share it, so compare on it. */
  readonly nationalPart: string
  /** The province or ministry of the suffix, or null. */
  readonly place: string | null
}

const name = { vi: 'Mã thủ tục hành chính', en: 'The procedure code' }

export function parseProcedureCode(received: string): Parsed<ProcedureCode> {
  const code = patternCode(received, name, /^[1-9]\.\d{6}(\.(\d{3}\.\d{2}\.\d{2}\.)?[A-Z]\d{2})?$/)
  if (!code.ok) return code
  const { canonical } = code.value
  const nationalPart = canonical.slice(0, 8)
  return {
    ok: true,
    value: { ...code.value, nationalPart, place: canonical === nationalPart ? null : canonical.slice(-3) },
  }
}
