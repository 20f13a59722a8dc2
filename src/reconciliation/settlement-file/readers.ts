/** The layouts of settlement files that can be read. A new one is a reader and a line here. */
import { normalisedReader } from './normalised.ts'
import type { SettlementFileReader } from './row.ts'

const readers: readonly SettlementFileReader[] = [normalisedReader]

export const settlementLayouts: readonly string[] = readers.map(({ layout }) => layout)

export function findSettlementReader(layout: string): SettlementFileReader | undefined {
  return readers.find((reader) => reader.layout === layout)
}
