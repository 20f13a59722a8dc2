/** What a bank answered about an account, as a statement like any other: a text that is the same whenever it says the same, and its events. */
import type { StatementResult, StatementSpan } from '../../adapters/contract.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { parseDecimal } from './readers/decimal.ts'
import type { Balance, StatementEntry, StatementEvent, StatementHeader } from './readers/statement.ts'
import { balanceDifference, count, footerCounts, newTally, publicBalance, type ReadBalance } from './readers/tally.ts'

export type FetchedStatement = Extract<StatementResult, { readonly kind: 'statement' }>

/** One line for the account, one for each booking as the bank sent it. */
export function fetchedText(
  { accountNumber, currency, opening, closing, bookings }: FetchedStatement,
  span: StatementSpan,
) {
  const head = {
    ...{ accountNumber, currency, from: span.from, to: span.to },
    ...{ opening: opening?.toString() ?? null, closing: closing?.toString() ?? null },
  }
  return `${[JSON.stringify(head), ...bookings.map(({ raw }) => raw)].join('\n')}\n`
}

/** Line numbers are those of `fetchedText`. */
export function* fetchedEvents(statement: FetchedStatement, span: StatementSpan): Generator<StatementEvent> {
  const { accountNumber, currency, bookings } = statement
  const opening = balanceOf(statement.opening, currency, span.from)
  const closing = balanceOf(statement.closing, currency, span.to)
  const header: StatementHeader = {
    ...{ format: 'api', version: null, ordinal: 1, line: 1, account: accountNumber, currency },
    ...{ statementId: null, messageId: null, sequence: null, periodFrom: span.from, periodTo: span.to },
    opening: publicBalance(opening),
  }
  yield { kind: 'statement', header }
  const tally = newTally()
  for (const [index, booking] of bookings.entries()) {
    const day = businessDate(booking.bookedAt)
    const entry: StatementEntry = {
      ...{ ordinal: index + 1, line: index + 2, valueDate: day, bookingDate: day, direction: booking.direction },
      ...{ reversal: false, amount: booking.amount.toString(), currency, status: 'BOOK' },
      ...{ bankReference: booking.reference, customerReference: booking.payeeReference, endToEndId: null },
      ...{ remittance: booking.text, remittanceRaw: booking.text, counterpartyName: booking.counterpartyName },
      ...{ counterpartyAccount: booking.counterpartyAccount, typeCode: null, details: [], raw: booking.raw },
    }
    if (day < span.from || day > span.to)
      yield problem('DATE_UNREADABLE', entry.line, `booked on ${day}, outside of ${span.from} to ${span.to}`)
    count(tally, entry, parseDecimal(entry.amount, '.') ?? zero)
    yield { kind: 'entry', entry }
  }
  const lastLine = bookings.length + 1
  const off = opening === null || closing === null ? null : balanceDifference(opening, closing, tally)
  if (off !== null) yield problem('BALANCE_BROKEN', lastLine, off)
  yield {
    kind: 'end',
    footer: {
      line: lastLine,
      opening: publicBalance(opening),
      closing: publicBalance(closing),
      ...footerCounts(tally),
      balance: opening === null || closing === null ? 'unchecked' : off === null ? 'holds' : 'broken',
      information: null,
    },
  }
}

const zero = { units: 0n, scale: 0 }

function balanceOf(
  amount: bigint | null,
  currency: string | null,
  date: string,
): (ReadBalance & Omit<Balance, 'amount'>) | null {
  return amount === null ? null : { amount: { units: amount, scale: 0 }, currency, date, intermediate: false, line: 1 }
}

function problem(code: 'BALANCE_BROKEN' | 'DATE_UNREADABLE', line: number, message: string): StatementEvent {
  return { kind: 'problem', remark: { code, line, message } }
}
