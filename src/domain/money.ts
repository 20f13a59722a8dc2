/**
 * Money: whole đồng in bigint, no minor unit (domain.md §5). Shares are exact fractions; a result is rounded once, half up, to 1 đồng.
 */
export type Vnd = bigint

/** Far above any fee or land duty, and still an exact JSON integer. */
export const maxVnd: Vnd = 999_999_999_999_999n

/**
 * Reads an amount from a JSON integer or a plain decimal string: 1 … `maxVnd`, or from 0 where nothing may be owed.
 * Null for anything else: signs, leading zeros, separators, fractions, exponents, numbers too big to be exact.
 */
export function parseVnd(value: unknown, smallest: 0n | 1n = 1n): Vnd | null {
  const amount =
    typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)
      ? BigInt(value)
      : typeof value === 'string' && /^(0|[1-9]\d{0,14})$/.test(value)
        ? BigInt(value)
        : null
  return amount !== null && amount >= smallest && amount <= maxVnd ? amount : null
}

/** A share of an amount as an exact fraction: 0.15 % is 15 / 10 000. */
export type Percent = { readonly numerator: bigint; readonly denominator: bigint }

/** Reads a percentage written in decimal, above 0 up to 100, at most six decimals: `'50'`, `'0.15'`. Null for anything else. */
export function parsePercent(text: string): Percent | null {
  const [, whole, fraction = ''] = /^(0|[1-9]\d{0,2})(?:\.(\d{1,6}))?$/.exec(text) ?? []
  if (whole === undefined) return null
  const percent = { numerator: BigInt(whole + fraction), denominator: 100n * 10n ** BigInt(fraction.length) }
  return percent.numerator > 0n && percent.numerator <= percent.denominator ? percent : null
}

/** `percent` of `amount` (not negative), rounded half up to 1 đồng (domain.md §5.3). */
export function percentOf(amount: Vnd, { numerator, denominator }: Percent): Vnd {
  if (amount < 0n) throw new RangeError('a share of a negative amount has no meaning')
  return (2n * amount * numerator + denominator) / (2n * denominator)
}

/** What is left of the whole: 50 % for 50 %, 80 % for 20 %. */
export function restOf({ numerator, denominator }: Percent): Percent {
  return { numerator: denominator - numerator, denominator }
}

export function sumVnd(amounts: Iterable<Vnd>): Vnd {
  let sum = 0n
  for (const amount of amounts) sum += amount
  return sum
}

/** `1.234.567 ₫` for Vietnamese readers, `1,234,567 VND` for English ones. */
export function formatVnd(amount: Vnd, locale: 'vi' | 'en'): string {
  const digits = amount.toString()
  return locale === 'vi' ? `${grouped(digits, '.')} ₫` : `${grouped(digits, ',')} VND`
}

function grouped(digits: string, separator: string): string {
  return digits.replace(/\B(?=(?:\d{3})+$)/g, separator)
}
