import { parseIdentityNumber } from './identity-number.ts'
import { parsePhone } from './phone.ts'
import { parseTaxCode } from './tax-code.ts'

/** Every canonical form that a number of a person can have: id number, tax code or phone. Empty when it is none. */
export function personalNumbers(text: string): string[] {
  const forms = [parseIdentityNumber(text), parseTaxCode(text), parsePhone(text)]
  return [...new Set(forms.flatMap((form) => (form.ok ? [form.value.canonical] : [])))]
}
