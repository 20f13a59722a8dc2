import { canonicalCode } from './canonical.ts'
import { type ProcedureCode, parseProcedureCode } from './procedure-code.ts'
import { type Code, type Parsed, refused } from './result.ts'

/** A procedure code and a two-digit case: `2.000815.000.00.00.H55.02` (domain.md §4). */
export type OnlineServiceCode = Code & { readonly procedure: ProcedureCode; readonly caseNumber: string }

const name = { vi: 'Mã dịch vụ công trực tuyến', en: 'The online service code' }

export function parseOnlineServiceCode(received: string): Parsed<OnlineServiceCode> {
  const code = canonicalCode(received, name)
  if (!code.ok) return code
  const { canonical } = code.value
  const procedure = parseProcedureCode(canonical.slice(0, -3))
  if (!procedure.ok || !/^\.\d{2}$/.test(canonical.slice(-3))) return refused(name, 'WRONG_FORMAT')
  return { ok: true, value: { ...code.value, procedure: procedure.value, caseNumber: canonical.slice(-2) } }
}
