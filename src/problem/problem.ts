import { type ProblemCode, problemCatalogue } from './catalogue.ts'

export type FieldError = {
  /** Path of the field in the request, e.g. `items[0].quantity`. */
  readonly field: string
  readonly code: string
  readonly vi: string
  readonly en: string
}

/** An error that the caller should see. Thrown where it is found, turned into problem+json at the HTTP edge. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly detailVi: string | undefined
  readonly detailEn: string | undefined
  readonly errors: readonly FieldError[]
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ProblemCode,
    options: {
      readonly vi?: string
      readonly en?: string
      readonly errors?: readonly FieldError[]
      readonly retryAfterSeconds?: number
      readonly cause?: unknown
    } = {},
  ) {
    super(options.en ?? problemCatalogue[code].titleEn, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = problemCatalogue[code].status
    this.detailVi = options.vi
    this.detailEn = options.en
    this.errors = options.errors ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

/** RFC 9457 body. Deterministic: no time, no request id (that is in a header), so that a repeated request gets the same bytes. */
export function problemBody(problem: Problem): string {
  const entry = problemCatalogue[problem.code]
  return JSON.stringify({
    type: `urn:feegate:problem:${problem.code.toLowerCase().replaceAll('_', '-')}`,
    title: entry.titleVi,
    status: entry.status,
    detail: problem.detailVi ?? entry.actionVi,
    code: problem.code,
    action: entry.actionVi,
    en: { title: entry.titleEn, detail: problem.detailEn ?? entry.actionEn, action: entry.actionEn },
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
  })
}

export const problemContentType = 'application/problem+json; charset=utf-8'
