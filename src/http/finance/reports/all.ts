import { collections, remittance } from './collections.ts'
import { refunds, stuck, unexplained } from './open-items.ts'
import type { Report } from './report.ts'
import { acknowledgements, receipts, waived } from './service.ts'
import { nonCash, onlineShare, railFees } from './shares.ts'

/** In the order of docs/reports.md. */
export const reports: readonly Report[] = [
  collections,
  remittance,
  nonCash,
  onlineShare,
  railFees,
  refunds,
  unexplained,
  receipts,
  acknowledgements,
  stuck,
  waived,
]
