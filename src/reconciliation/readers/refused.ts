import type { ProblemCode, Remark } from './statement.ts'

/** Why a file could not even be read to its end; a file read to its end and found wrong is `INTEGRITY`. */
export type RefusalCode =
  | 'INTEGRITY'
  | 'UNKNOWN_FORMAT'
  | 'MAPPING_REQUIRED'
  | 'ENCODING'
  | 'XML'
  | 'XML_DOCTYPE'
  | 'CSV'
  | 'HEADINGS'
  | 'XLSX'
  | 'LIMIT'

/** A statement file is refused whole: nothing of it may be booked. `problems` name lines, at most `maxProblems` of them. */
export class StatementRefused extends Error {
  readonly code: RefusalCode
  /** Line of the file where reading stopped; null when there is none to name. */
  readonly line: number | null
  readonly problems: readonly Remark<ProblemCode>[]

  constructor(
    code: RefusalCode,
    message: string,
    line: number | null = null,
    problems: readonly Remark<ProblemCode>[] = [],
  ) {
    super(line === null ? message : `line ${line}: ${message}`)
    this.name = 'StatementRefused'
    this.code = code
    this.line = line
    this.problems = problems
  }
}

/** Enough to see what is wrong with a file; the rest would only fill memory. */
export const maxProblems = 100
