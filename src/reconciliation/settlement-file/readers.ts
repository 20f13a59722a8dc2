/** The layouts of settlement files that can be read. */
import { normalisedReader } from './normalised.ts'
import { railReaders } from './rails.ts'
import type { SettlementFileReader } from './row.ts'

const readers: readonly SettlementFileReader[] = [normalisedReader, ...railReaders]

export const settlementLayouts: readonly string[] = readers.map(({ layout }) => layout)

export function findSettlementReader(layout: string): SettlementFileReader | undefined {
  return readers.find((reader) => reader.layout === layout)
}
