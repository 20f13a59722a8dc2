import { canonicalCode } from './canonical.ts'
import { type Code, type Parsed, refused } from './result.ts'

const name = { vi: 'Số điện thoại', en: 'The phone number' }

/** Vietnamese mobile number, `0912345678`; the international spelling `+84…` is rewritten to it. */
export function parsePhone(received: string): Parsed<Code> {
  const code = canonicalCode(received, name)
  if (!code.ok) return code
  const canonical = code.value.canonical.replace(/^\+84/, '0')
  if (!/^0[35789]\d{8}$/.test(canonical)) return refused(name, 'WRONG_FORMAT')
  return { ok: true, value: { received, canonical } }
}
