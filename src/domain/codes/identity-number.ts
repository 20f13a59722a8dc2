import { parseCmnd } from './cmnd.ts'
import { parsePassportNo } from './passport-no.ts'
import { parsePersonalId } from './personal-id.ts'
import type { Code, Parsed } from './result.ts'

export type IdentityNumber = Code & { readonly document: 'PERSONAL_ID' | 'CMND' | 'PASSPORT' }

/**
 * A person's number when the sender does not say of which document. The length of an all-digit number decides first:
 * 12 digits are a personal id and 9 an old card, so a mistyped personal id is never taken for a passport.
 */
export function parseIdentityNumber(received: string): Parsed<IdentityNumber> {
  const digits = /^ *(\d+) *$/.exec(received.slice(0, 64))?.[1]?.length
  if (digits === 12) return as('PERSONAL_ID', parsePersonalId(received))
  if (digits === 9) return as('CMND', parseCmnd(received))
  return as('PASSPORT', parsePassportNo(received))
}

function as(document: IdentityNumber['document'], code: Parsed<Code>): Parsed<IdentityNumber> {
  return code.ok ? { ok: true, value: { ...code.value, document } } : code
}
