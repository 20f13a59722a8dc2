import { newId } from '../environment.ts'
import { type WorkedOff, workOffAdjustments } from '../store/receipt-adjustments.ts'
import type { ReceiptOptions } from './issue.ts'

const claimSize = 50

/** One round over what refunds have taken off receipts. Returns how many were worked off. */
export async function adjustDue({
  database,
  environment,
  metrics,
  log,
}: Pick<ReceiptOptions, 'database' | 'environment' | 'metrics' | 'log'>): Promise<number> {
  const worked: WorkedOff[] = await database.transaction((tx) =>
    workOffAdjustments(tx, environment.now(), () => newId(environment, 'rcp'), claimSize),
  )
  for (const { id, result } of worked)
    if (result === 'over') {
      metrics.receipts.inc({ result: 'over_adjusted' })
      log.error({ adjustmentId: id }, 'a refund takes more off a receipt than it stands for: a human must look')
    }
  return worked.filter(({ result }) => result !== 'over').length
}
