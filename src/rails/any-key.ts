/** While a bank changes its keys several configs of an account are believed (`OpenRailAccount.believed`); what it says may fit any. */
import type { RailAccount, Step } from '../../adapters/contract.ts'
import type { OpenRailAccount } from './accounts.ts'

/**
 * What `read` makes of a message with the first config under which `isDoubtful` does not hold; with the one in force when it holds
 * under all of them.
 */
export function readWithAnyKey<Reading>(
  { id, config, believed }: Pick<OpenRailAccount, 'id' | 'config' | 'believed'>,
  read: (account: RailAccount<unknown>) => Reading,
  isDoubtful: (reading: Reading) => boolean,
): { readonly reading: Reading; readonly railAccount: RailAccount<unknown> } {
  const inForce = { id, config }
  const reading = read(inForce)
  if (!isDoubtful(reading)) return { reading, railAccount: inForce }
  for (const other of believed.slice(1)) {
    const railAccount = { id, config: other }
    const otherReading = read(railAccount)
    if (!isDoubtful(otherReading)) return { reading: otherReading, railAccount }
  }
  return { reading, railAccount: inForce }
}

/** The same for an answer to a call of ours: an answer that cannot be trusted or read under one config may be under another. */
export function readAnswerWithAnyKey<Result extends { readonly kind: string }>(
  account: Pick<OpenRailAccount, 'id' | 'config' | 'believed'>,
  read: (account: RailAccount<unknown>) => Step<Result>,
): Step<Result> {
  return readWithAnyKey(account, read, isDoubtfulAnswer).reading
}

function isDoubtfulAnswer(step: Step<{ readonly kind: string }>): boolean {
  return step.kind === 'done' && (step.result.kind === 'unverified' || step.result.kind === 'unknown')
}
