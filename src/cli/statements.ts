/** `feegate statements inspect`: what a statement file holds, without booking any of it. */
import type { ReaderName } from '../reconciliation/readers/detect.ts'
import { readStatementFile, refusalOf } from '../reconciliation/readers/read.ts'
import { maxProblems } from '../reconciliation/readers/refused.ts'
import type {
  ProblemCode,
  Remark,
  Side,
  StatementFooter,
  StatementFormat,
  StatementHeader,
} from '../reconciliation/readers/statement.ts'
import type { StatementMapping } from '../reconciliation/readers/table/mapping.ts'

export type InspectOptions = {
  readonly format?: ReaderName | undefined
  readonly mapping?: StatementMapping | undefined
}

/** Amounts are decimal texts in the statement's own currency; `credits` and `debits` cover every entry, `notBooked` the part that moved nothing. */
export type StatementSummary = {
  readonly format: StatementFormat
  readonly account: string | null
  readonly currency: string | null
  readonly statementId: string | null
  readonly openingBalance: string | null
  readonly closingBalance: string | null
  readonly entries: number
  readonly credits: Side
  readonly debits: Side
  readonly notBooked: { readonly credits: Side; readonly debits: Side }
  readonly balance: StatementFooter['balance']
  readonly warnings: readonly Remark[]
  readonly problems: readonly Remark[]
}

/** Remarks kept per statement and kind; the rest is only counted by reading the file for good. */
const maxRemarks = 100

/**
 * One summary per statement as it ends. A broken file still yields the statements that could be read, each with its
 * `problems`, and then throws.
 * @throws StatementRefused naming lines, when the file must not be booked.
 */
export async function* inspectStatements(
  filePath: string,
  options: InspectOptions = {},
): AsyncGenerator<StatementSummary> {
  const allProblems: Remark<ProblemCode>[] = []
  let header: StatementHeader | null = null
  let warnings: Remark[] = []
  let problems: Remark[] = []
  for await (const event of readStatementFile(filePath, { ...options, problems: 'report' })) {
    if (event.kind === 'statement') header = event.header
    else if (event.kind === 'warning') keep(warnings, event.remark)
    else if (event.kind === 'problem') {
      keep(problems, event.remark)
      if (allProblems.length < maxProblems) allProblems.push(event.remark)
    } else if (event.kind === 'end' && header !== null) {
      yield summary(header, event.footer, warnings, problems)
      header = null
      warnings = []
      problems = []
    }
  }
  if (allProblems.length > 0) throw refusalOf(allProblems)
}

function summary(
  header: StatementHeader,
  footer: StatementFooter,
  warnings: readonly Remark[],
  problems: readonly Remark[],
): StatementSummary {
  return {
    format: header.format,
    account: header.account,
    currency: header.currency,
    statementId: header.statementId,
    openingBalance: (footer.opening ?? header.opening)?.amount ?? null,
    closingBalance: footer.closing?.amount ?? null,
    entries: footer.entries,
    credits: footer.credits,
    debits: footer.debits,
    notBooked: footer.notBooked,
    balance: footer.balance,
    warnings,
    problems,
  }
}

function keep(remarks: Remark[], remark: Remark): void {
  if (remarks.length < maxRemarks) remarks.push(remark)
}
