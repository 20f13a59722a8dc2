/** Facts that stand outside the table, in rows above its headings or below its end. */
import { dateReader } from '../dates.ts'
import type { Decimal } from '../decimal.ts'
import type { ProblemCode } from '../statement.ts'
import { type Cell, cellNumber, type Row } from './cell.ts'
import { labelled } from './headings.ts'
import type { StatementMapping } from './mapping.ts'

type Labels = StatementMapping['labels']
type At<T> = { readonly value: T; readonly line: number }

export type Facts = {
  account?: At<Cell>
  currency?: At<string>
  statementId?: At<string>
  periodFrom?: At<string>
  periodTo?: At<string>
  openingBalance?: At<Decimal>
  closingBalance?: At<Decimal>
  entryCount?: At<Decimal>
  totalCredits?: At<Decimal>
  totalDebits?: At<Decimal>
}

const dates = ['periodFrom', 'periodTo'] as const
const numbers = ['openingBalance', 'closingBalance', 'entryCount', 'totalCredits', 'totalDebits'] as const
const texts = ['currency', 'statementId'] as const

/** Adds what this row tells; the first row that holds a label wins. */
export function readFacts(
  row: Row,
  facts: Facts,
  mapping: StatementMapping,
  problem: (code: ProblemCode, line: number, message: string) => void,
): void {
  const { labels } = mapping
  const { line } = row
  const found = (name: keyof Labels): Cell | null => {
    const label = labels[name]
    return label === undefined || facts[name] !== undefined ? null : labelled(row.cells, label)
  }
  const account = found('account')
  if (account !== null) facts.account = { value: account, line }
  for (const name of texts) {
    const cell = found(name)
    if (cell !== null) facts[name] = { value: cell.text.trim(), line }
  }
  for (const name of dates) {
    const cell = found(name)
    if (cell === null) continue
    const value = dateReader(mapping.dateFormat)(cell.text.trim())
    if (value === null) problem('DATE_UNREADABLE', line, `${labels[name] ?? name}: ${cell.text}`)
    else facts[name] = { value, line }
  }
  for (const name of numbers) {
    const cell = found(name)
    if (cell === null) continue
    const value = cellNumber(cell, mapping)
    if (value === null) problem('BALANCE_UNREADABLE', line, `${labels[name] ?? name}: ${cell.text}`)
    else facts[name] = { value, line }
  }
}
