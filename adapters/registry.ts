/** Every rail the gateway speaks. A new rail is a new folder and one line here. */
import { billPull } from './bill-pull/index.ts'
import type { Adapter } from './contract.ts'
import { counter } from './counter/index.ts'
import { momo } from './momo/index.ts'
import { napas } from './napas/index.ts'
import { nationalPortal } from './national-portal/index.ts'
import { onepay } from './onepay/index.ts'
import { vietinbank } from './vietinbank/index.ts'
import { vietqr } from './vietqr/index.ts'
import { vnpay } from './vnpay/index.ts'
import { zalopay } from './zalopay/index.ts'

// Each adapter checks its own config with its schema before use, so the registry may forget the config's type.
const adapters: readonly Adapter[] = [
  vnpay,
  napas,
  onepay,
  vietqr,
  vietinbank,
  momo,
  zalopay,
  billPull,
  counter,
  nationalPortal,
]

/** By its name, among all rails or those given. */
export function findAdapter(name: string, among: readonly Adapter[] = adapters): Adapter | undefined {
  return among.find((adapter) => adapter.name === name)
}

export function allAdapters(): readonly Adapter[] {
  return adapters
}
