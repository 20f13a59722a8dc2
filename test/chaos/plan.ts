/** What the seed decides: who pays what, when and how, and which part fails next. The interleaving is the machine's. */
import type { Random } from '../simulation/engine/random.ts'
import { type BankRail, type BankWay, bankRails } from './bank-process.ts'

export type PlannedPayment = {
  readonly number: number
  /** Which of the portals. */
  readonly portal: number
  readonly rail: BankRail
  readonly way: BankWay
  /** Paid a second time by another rail. */
  readonly twice: BankRail | null
  /** The portal asks for the same once more, although it was answered. */
  readonly repeats: boolean
  /** Until the next one begins. */
  readonly pauseMs: number
}

const ways: readonly BankWay[] = [
  ...Array<BankWay>(8).fill('success'),
  'duplicate',
  'fail',
  'cancel',
  'late',
  'pending-then-success',
  'tampered',
]

export function createPayments(random: Random, portals: number, perSecond: number): () => PlannedPayment {
  let number = 0
  return () => {
    const rail = random.pick(bankRails)
    const way = random.pick(ways)
    return {
      number: ++number,
      portal: random.below(portals),
      rail,
      // A bank that tells nothing and cannot be asked leaves money that only its statement shows: that is tried elsewhere.
      way: rail === 'vietqr' && way === 'late' ? 'success' : way,
      twice: random.chance(0.1) ? random.pick(bankRails.filter((other) => other !== rail)) : null,
      repeats: random.chance(0.25),
      pauseMs: Math.round((500 + random.below(1_000)) / perSecond),
    }
  }
}

/** Every fault comes before one comes again; in the order of the seed. */
export function nextOf<Item extends { readonly name: string }>(
  items: readonly Item[],
  times: ReadonlyMap<string, number>,
  random: Random,
): Item {
  const least = Math.min(...items.map(({ name }) => times.get(name) ?? 0))
  return random.pick(items.filter(({ name }) => (times.get(name) ?? 0) === least))
}
