/** Every rail the gateway speaks. A new rail is a new folder and one line here. */
import { billPull } from './bill-pull/index.ts'
import type { Adapter } from './contract.ts'
import { nationalPortal } from './national-portal/index.ts'
import { vietinbank } from './vietinbank/index.ts'
import { vietqr } from './vietqr/index.ts'
import { vnpay } from './vnpay/index.ts'

// Each adapter checks its own config with its schema before use, so the registry may forget the config's type.
const adapters: readonly Adapter[] = [vnpay, vietqr, vietinbank, billPull, nationalPortal]

export function findAdapter(name: string): Adapter | undefined {
  return adapters.find((adapter) => adapter.name === name)
}

export function allAdapters(): readonly Adapter[] {
  return adapters
}
