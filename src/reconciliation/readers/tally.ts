/** Counts what a statement holds while it streams by, and checks it against what the bank declared. */
import { add, type Decimal, decimalText, equal, negate, subtract, zero } from './decimal.ts'
import type { Balance, Direction, EntryStatus, Side, StatementFooter } from './statement.ts'

type Count = { count: number; sum: Decimal }

export type Tally = {
  readonly all: Record<Direction, Count>
  readonly notBooked: Record<Direction, Count>
  firstDate: string | null
  lastDate: string | null
}

export function newTally(): Tally {
  const side = () => ({ count: 0, sum: zero })
  return {
    all: { CREDIT: side(), DEBIT: side() },
    notBooked: { CREDIT: side(), DEBIT: side() },
    firstDate: null,
    lastDate: null,
  }
}

type Counted = {
  readonly direction: Direction
  readonly status: EntryStatus
  readonly bookingDate: string | null
  readonly valueDate: string | null
}

export function count(tally: Tally, { direction, status, bookingDate, valueDate }: Counted, amount: Decimal): void {
  const date = bookingDate ?? valueDate
  if (date !== null) {
    if (tally.firstDate === null || date < tally.firstDate) tally.firstDate = date
    if (tally.lastDate === null || date > tally.lastDate) tally.lastDate = date
  }
  const counts = status === 'BOOK' ? [tally.all] : [tally.all, tally.notBooked]
  for (const sides of counts) {
    sides[direction].count += 1
    sides[direction].sum = add(sides[direction].sum, amount)
  }
}

export function entryCount({ all }: Tally): number {
  return all.CREDIT.count + all.DEBIT.count
}

/** What the booked entries did to the balance. */
export function bookedNet({ all, notBooked }: Tally): Decimal {
  const booked = (direction: Direction) => subtract(all[direction].sum, notBooked[direction].sum)
  return subtract(booked('CREDIT'), booked('DEBIT'))
}

/** A balance while its statement is being read: `amount` is signed. */
export type ReadBalance = Omit<Balance, 'amount'> & { readonly amount: Decimal }

export function publicBalance(balance: ReadBalance | null): Balance | null {
  return balance === null ? null : { ...balance, amount: decimalText(balance.amount) }
}

export function signed(amount: Decimal, direction: Direction): Decimal {
  return direction === 'CREDIT' ? amount : negate(amount)
}

/** Null when it holds, else what is off, for a person to read. */
export function balanceDifference(opening: ReadBalance, closing: ReadBalance, tally: Tally): string | null {
  if (opening.currency !== null && closing.currency !== null && opening.currency !== closing.currency) {
    return `opening balance is in ${opening.currency}, closing balance in ${closing.currency}`
  }
  const expected = add(opening.amount, bookedNet(tally))
  if (equal(expected, closing.amount)) return null
  const off = decimalText(subtract(closing.amount, expected))
  return `opening ${decimalText(opening.amount)} and the booked entries give ${decimalText(expected)}, the bank says ${decimalText(closing.amount)} (off by ${off})`
}

/** What a bank declares about its entries; sides it is silent about are left out. */
export type Declared = { readonly count: number | null; readonly sum: Decimal | null }

/** Null when it agrees, else what is off. */
export function declaredDifference(name: string, declared: Declared, found: Count): string | null {
  if (declared.count !== null && declared.count !== found.count) {
    return `${name}: ${declared.count} declared, ${found.count} found`
  }
  if (declared.sum !== null && !equal(declared.sum, found.sum)) {
    return `${name}: sum ${decimalText(declared.sum)} declared, ${decimalText(found.sum)} found`
  }
  return null
}

type CountedFooter = Pick<StatementFooter, 'entries' | 'credits' | 'debits' | 'notBooked' | 'firstDate' | 'lastDate'>

export function footerCounts(tally: Tally): CountedFooter {
  const side = ({ count: entries, sum }: Count): Side => ({ count: entries, sum: decimalText(sum) })
  return {
    entries: entryCount(tally),
    credits: side(tally.all.CREDIT),
    debits: side(tally.all.DEBIT),
    notBooked: { credits: side(tally.notBooked.CREDIT), debits: side(tally.notBooked.DEBIT) },
    firstDate: tally.firstDate,
    lastDate: tally.lastDate,
  }
}
