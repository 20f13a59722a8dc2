/**
 * Exact decimals for statement amounts: whole units and a scale, so `8.850` stays `8.850` and nothing is ever a float.
 * Statements come in any currency; only settled money inside the gateway is whole VND.
 */
export type Decimal = { readonly units: bigint; readonly scale: number }

export const zero: Decimal = { units: 0n, scale: 0 }

/** More digits than any format allows (ISO 20022: 18); a bound so that no file can make us multiply giants. */
const maxDigits = 30

/** Unsigned digits with at most one decimal sign (`,` alone at the end means no decimals); null for anything else. */
export function parseDecimal(text: string, decimalSign: ',' | '.'): Decimal | null {
  if (text.length > maxDigits + 1) return null
  const sign = text.indexOf(decimalSign)
  const whole = sign === -1 ? text : text.slice(0, sign)
  const fraction = sign === -1 ? '' : text.slice(sign + 1)
  if (!/^\d*$/.test(whole) || !/^\d*$/.test(fraction) || whole.length + fraction.length === 0) return null
  return { units: BigInt(whole + fraction), scale: fraction.length }
}

export function add(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale)
  return { units: unitsAt(left, scale) + unitsAt(right, scale), scale }
}

export function negate({ units, scale }: Decimal): Decimal {
  return { units: -units, scale }
}

export function subtract(left: Decimal, right: Decimal): Decimal {
  return add(left, negate(right))
}

/** Equal in value: `8.85` and `8.850` are. */
export function equal(left: Decimal, right: Decimal): boolean {
  return subtract(left, right).units === 0n
}

/** With a point, the decimals it was read with and a leading `-` where negative: `-0.50`. */
export function decimalText({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return units < 0n ? `-${text}` : text
}

/** One text per value: no trailing zeros, no bare point. For identity keys. */
export function canonicalDecimalText(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function unitsAt({ units, scale }: Decimal, wanted: number): bigint {
  return wanted === scale ? units : units * 10n ** BigInt(wanted - scale)
}
