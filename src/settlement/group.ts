/**
 * Group settlement (DESIGN §9): one flush is in flight at a time; what arrives meanwhile is settled together by the next,
 * as one transaction. A single request on an idle gateway is flushed at once, so low load waits for nothing.
 */
import type { Environment } from '../environment.ts'
import { type Database, errorCode, StoreUnavailableError } from '../store/database.ts'
import { type SettlementRequest, type SettlementResult, settleAll } from './settle.ts'

export class SettlementQueueFullError extends Error {
  readonly code = 'SETTLEMENT_QUEUE_FULL'
  constructor(limit: number) {
    super(`more than ${limit} settlements are waiting: the caller must come again later`)
  }
}

export type Settler = {
  /** Resolves after the commit that holds the result. Rejects when nothing is known to be committed. */
  settle(request: SettlementRequest): Promise<SettlementResult>
  /** Waits for what is queued. */
  close(): Promise<void>
}

export type SettlerOptions = {
  readonly database: Database
  readonly environment: Environment
  /** Most requests in one transaction. */
  readonly maxBatch?: number
  /** Most requests waiting; further ones are refused so that memory stays bounded. */
  readonly maxQueue?: number
  /** Told of every flush: its size. */
  readonly onFlush?: (size: number) => void
}

type Waiting = {
  readonly request: SettlementRequest
  readonly resolve: (result: SettlementResult) => void
  readonly reject: (error: unknown) => void
}

/** A concurrent transaction put the same rail transaction on record first: read again and see it. */
const uniqueViolation = '23505'
const maxTries = 3

export function createSettler({
  database,
  environment,
  maxBatch = 64,
  maxQueue = 4096,
  onFlush,
}: SettlerOptions): Settler {
  const queue: Waiting[] = []
  let running: Promise<void> | null = null

  async function settleTogether(requests: readonly SettlementRequest[]): Promise<SettlementResult[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await database.transaction((tx) => settleAll(tx, requests, environment))
      } catch (error) {
        if (errorCode(error) !== uniqueViolation || attempt === maxTries) throw error
      }
    }
  }

  async function flush(batch: readonly Waiting[]): Promise<void> {
    onFlush?.(batch.length)
    try {
      const results = await settleTogether(batch.map(({ request }) => request))
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index]
        if (result === undefined) reject(new Error('settlement gave no result'))
        else resolve(result)
      })
    } catch (error) {
      if (batch.length === 1 || error instanceof StoreUnavailableError) {
        for (const { reject } of batch) reject(error)
        return
      }
      // One bad item must not harm its neighbours: each on its own.
      for (const waiting of batch) await flush([waiting])
    }
  }

  async function run(): Promise<void> {
    do {
      // Everything that arrived in this turn of the event loop joins the flush; on an idle gateway this costs microseconds.
      await new Promise((resolve) => setImmediate(resolve))
      await flush(queue.splice(0, maxBatch))
    } while (queue.length > 0)
    running = null
  }

  return {
    settle(request) {
      if (queue.length >= maxQueue) return Promise.reject(new SettlementQueueFullError(maxQueue))
      return new Promise((resolve, reject) => {
        queue.push({ request, resolve, reject })
        running ??= run()
      })
    },
    async close() {
      while (running !== null) await running
    },
  }
}
