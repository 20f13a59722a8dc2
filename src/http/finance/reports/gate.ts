import { Problem } from '../../../problem/problem.ts'

/** Files being written at a time by one process: each holds a database connection as long as its reader takes. */
const mostFiles = 4
const comeAgainSeconds = 10

export type OpenRows<Row> = {
  readonly rows: AsyncGenerator<Row>
  /** To be called when the file is sent or its reader has gone: frees the place and what the rows hold. */
  close(): Promise<void>
}

/**
 * Lets a few streams of rows through at a time and refuses the next. Resolves once the first row (or the end) is there, so
 * that a query that fails is an error answer and no torn file.
 */
export function createFileGate(): <Row>(rows: AsyncGenerator<Row>) => Promise<OpenRows<Row>> {
  let open = 0
  return async <Row>(rows: AsyncGenerator<Row>) => {
    if (open >= mostFiles) throw new Problem('OVERLOADED', { retryAfterSeconds: comeAgainSeconds })
    open += 1
    let closed = false
    const close = async (): Promise<void> => {
      if (closed) return
      closed = true
      open -= 1
      await rows.return(undefined)
    }
    try {
      return { rows: startingWith(await rows.next(), rows), close }
    } catch (error) {
      await close()
      throw error
    }
  }
}

async function* startingWith<Row>(first: IteratorResult<Row>, rest: AsyncGenerator<Row>): AsyncGenerator<Row> {
  if (first.done === true) return
  yield first.value
  yield* rest
}
