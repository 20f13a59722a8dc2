/** Holds the items a portal sent against the computed price: a portal's own arithmetic is compared, never trusted. */
import type { Vnd } from '../money.ts'
import type { PricedItem } from './price.ts'

/** What a portal may say about a line; what it leaves out is not compared. */
export type SentItem = {
  readonly rateId?: string | undefined
  readonly quantity?: number | undefined
  readonly copies?: number | undefined
  readonly baseAmount?: Vnd | undefined
  /** What the portal believes is to be paid for the line. */
  readonly amount?: Vnd | undefined
}

export type ItemCheck =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** Line of the first difference, from 1; null when the number of lines differs. */
      readonly lineNo: number | null
      readonly field: 'lines' | keyof SentItem
      readonly expected: string
      readonly received: string
      readonly messageVi: string
      readonly messageEn: string
    }

const compared = ['rateId', 'quantity', 'copies', 'baseAmount', 'amount'] as const

export function checkItems(sent: readonly SentItem[], priced: readonly PricedItem[]): ItemCheck {
  if (sent.length !== priced.length) return difference(null, 'lines', priced.length, sent.length)
  for (const [index, item] of priced.entries()) {
    const line = sent[index] ?? {}
    const expected = { ...item, amount: item.net }
    for (const field of compared) {
      if (line[field] !== undefined && line[field] !== expected[field]) {
        return difference(item.lineNo, field, expected[field], line[field])
      }
    }
  }
  return { ok: true }
}

type Comparable = string | number | bigint | null

function difference(
  lineNo: number | null,
  field: 'lines' | keyof SentItem,
  expectedValue: Comparable,
  receivedValue: Comparable,
): ItemCheck {
  const expected = String(expectedValue ?? '–')
  const received = String(receivedValue ?? '–')
  return {
    ok: false,
    lineNo,
    field,
    expected,
    received,
    messageVi: `${lineNo === null ? 'Số dòng' : `Dòng ${lineNo}, ${field}`}: đúng là ${expected}, nhận được ${received}`,
    messageEn: `${lineNo === null ? 'Number of lines' : `Line ${lineNo}, ${field}`}: expected ${expected}, received ${received}`,
  }
}
