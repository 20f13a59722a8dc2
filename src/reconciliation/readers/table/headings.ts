/** Finds the mapped columns in a heading row, and labelled facts outside the table. */
import { type Cell, fold } from './cell.ts'
import { allColumns, type Column, type StatementMapping } from './mapping.ts'

/** Place of a column, from 0. */
export type Places = (column: Column | undefined) => number | null

/** Rows that are searched for the headings, below `skipRows`. */
export const maxHeadingRows = 100

/** Null when this row does not hold every heading the mapping names. */
export function findPlaces(cells: readonly Cell[], mapping: StatementMapping): Places | null {
  const byHeading = new Map<string, number>()
  for (const [place, { text }] of cells.entries()) {
    const heading = fold(text)
    if (heading !== '' && !byHeading.has(heading)) byHeading.set(heading, place)
  }
  const named = allColumns(mapping).filter((at) => typeof at === 'string')
  if (!named.every((heading) => byHeading.has(fold(heading)))) return null
  const places = new Map(named.map((heading) => [heading, byHeading.get(fold(heading)) ?? null]))
  return (column) =>
    column === undefined ? null : typeof column === 'number' ? column - 1 : (places.get(column) ?? null)
}

/** Headings of the mapping that this row lacks, for the message. */
export function missingHeadings(cells: readonly Cell[], mapping: StatementMapping): string[] {
  const present = new Set(cells.map(({ text }) => fold(text)))
  return allColumns(mapping)
    .filter((at) => typeof at === 'string')
    .filter((heading) => !present.has(fold(heading)))
}

/** What stands behind the label in its cell, else the next filled cell; null when the label is not in this row. */
export function labelled(cells: readonly Cell[], label: string): Cell | null {
  const wanted = fold(label)
  for (const [place, { text }] of cells.entries()) {
    const folded = fold(text)
    if (!folded.startsWith(wanted) || /^[\p{L}\p{N}]/u.test(folded.slice(wanted.length))) continue
    const behind = text
      .normalize('NFC')
      .trim()
      .slice(label.normalize('NFC').length)
      .replace(/^[\s:]+/, '')
    if (folded.length > wanted.length && behind !== '') return { text: behind, numeric: false }
    return cells.slice(place + 1).find((cell) => cell.text.trim() !== '') ?? null
  }
  return null
}

export function beginsWith(cells: readonly Cell[], label: string): boolean {
  const first = cells.find(({ text }) => text.trim() !== '')
  return first !== undefined && fold(first.text).startsWith(fold(label))
}
