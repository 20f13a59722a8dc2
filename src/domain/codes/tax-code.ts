import { canonicalCode } from './canonical.ts'
import { parsePersonalId } from './personal-id.ts'
import { type Code, type CodeFault, type Parsed, refused } from './result.ts'

/**
 * ORGANISATION `0100111948`, BRANCH `0100111948-001` (the dash belongs to it; 13 bare digits are rewritten),
 * INDIVIDUAL: the personal id, since 1 July 2025 (domain.md §4).
 */
export type TaxCode = Code & {
  readonly holder: 'ORGANISATION' | 'BRANCH' | 'INDIVIDUAL'
  /** The organisation a branch belongs to; null otherwise. */
  readonly parent: string | null
}

const name = { vi: 'Mã số thuế', en: 'The tax code' }
const weights = [31, 29, 23, 19, 17, 13, 7, 5, 3]

export function parseTaxCode(received: string): Parsed<TaxCode> {
  const code = canonicalCode(received, name)
  if (!code.ok) return code
  const text = code.value.canonical
  if (/^\d{12}$/.test(text)) {
    if (!parsePersonalId(text).ok) return refused(name, 'WRONG_FORMAT')
    return { ok: true, value: { received, canonical: text, holder: 'INDIVIDUAL', parent: null } }
  }
  const parts = /^(\d{10})(?:-?(\d{3}))?$/.exec(text)
  const [, organisation, branch] = parts ?? []
  if (organisation === undefined) return refused(name, 'WRONG_FORMAT')
  const fault = organisationFault(organisation)
  if (fault !== null) return refused(name, fault)
  const value: TaxCode =
    branch === undefined
      ? { received, canonical: organisation, holder: 'ORGANISATION', parent: null }
      : { received, canonical: `${organisation}-${branch}`, holder: 'BRANCH', parent: organisation }
  return { ok: true, value }
}

function organisationFault(digits: string): CodeFault | null {
  const remainder = weights.reduce((sum, weight, index) => sum + weight * Number(digits[index]), 0) % 11
  if (remainder === 0) return 'NEVER_ISSUED'
  return 10 - remainder === Number(digits[9]) ? null : 'WRONG_CHECK_DIGIT'
}
