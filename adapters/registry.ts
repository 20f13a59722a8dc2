/** Every rail the gateway speaks. A new rail is a new folder and one line here. */
import type { Adapter } from './contract.ts'

// Each adapter checks its own config with its schema before use, so the registry may forget the config's type.
const adapters: readonly Adapter[] = []

export function findAdapter(name: string): Adapter | undefined {
  return adapters.find((adapter) => adapter.name === name)
}

export function allAdapters(): readonly Adapter[] {
  return adapters
}
