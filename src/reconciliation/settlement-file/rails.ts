/** The layouts of our rails. VNPAY and NAPAS publish none: their accounts declare it (contracts/settlement-files.md). */
import { mappedReader } from './mapped.ts'
import type { SettlementFileReader } from './row.ts'
import { vietinbankReader } from './vietinbank.ts'

export const railReaders: readonly SettlementFileReader[] = [
  vietinbankReader,
  mappedReader('vnpay'),
  mappedReader('napas'),
]
