/** Template, symbol and number of an electronic receipt (Circular 91/2026 annex II, Decree 254/2026 art. 23). */
import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

export type ReceiptTemplate = Code & { readonly presetAmount: boolean }
/** `26TAA`: year, `T`, two letters out of twenty. */
export type ReceiptSymbol = Code & { readonly year: number; readonly letters: string }

/** The twenty letters a symbol is made of. */
export const receiptLetters = 'ABCDEGHKLMNPQRSTUVXY'

/** True for two of the twenty letters. */
export function isLetters(text: string): boolean {
  return text.length === 2 && [...text].every((letter) => receiptLetters.includes(letter))
}

/** `EBL01` without a pre-set amount, `EBL02` with one. */
export function parseReceiptTemplate(received: string): Parsed<ReceiptTemplate> {
  const code = patternCode(received, { vi: 'Ký hiệu mẫu biên lai', en: 'The receipt template' }, /^EBL0[12]$/)
  return code.ok ? { ok: true, value: { ...code.value, presetAmount: code.value.canonical === 'EBL02' } } : code
}

export function parseReceiptSymbol(received: string): Parsed<ReceiptSymbol> {
  const pattern = /^\d{2}T[ABCDEGHKLMNPQRSTUVXY]{2}$/
  const code = patternCode(received, { vi: 'Ký hiệu biên lai', en: 'The receipt symbol' }, pattern)
  if (!code.ok) return code
  const { canonical } = code.value
  return {
    ok: true,
    value: { ...code.value, year: 2000 + Number(canonical.slice(0, 2)), letters: canonical.slice(3) },
  }
}

/** 1 … 99999999 without leading zeros; starts again at 1 on 1 January. */
export function parseReceiptNumber(received: string): Parsed<Code> {
  return patternCode(received, { vi: 'Số biên lai', en: 'The receipt number' }, /^[1-9]\d{0,7}$/)
}
