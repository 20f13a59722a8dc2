/** Where files arrive while the gateway runs: one is loaded at a time, and its tenant is reconciled afterwards. */
import { rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Settler } from '../settlement/group.ts'
import type { Crl } from '../signing/crl.ts'
import type { Database } from '../store/database.ts'
import type { ImportResult } from './import/file.ts'
import { type Arrival, loadArrival, type RegisteredFile, registerArrival } from './import/receive.ts'
import { reconcile } from './run.ts'

export type Desk = {
  /** Registers the file and loads it in the background; the caller's file is deleted when it has been read. */
  accept(arrival: Arrival): Promise<RegisteredFile>
  /** Registers, loads and reconciles before it resolves; the caller keeps its file. */
  take(arrival: Arrival): Promise<ImportResult>
  /** Waits for what is being loaded. */
  close(): Promise<void>
}

/** Files that wait to be loaded; more are refused, so that the disk stays ours. */
const maxWaiting = 50
/** Progress is told about this often. */
const linesPerReport = 20_000

export function createDesk({
  database,
  environment,
  vault,
  settler,
  log,
  signerCrls,
}: {
  database: Database
  environment: Environment
  vault: Vault
  settler: Settler
  log: Logger
  signerCrls?: (() => readonly Crl[] | null) | undefined
}): Desk {
  const imports = { database, environment, vault, signerCrls }
  let chain: Promise<unknown> = Promise.resolve()
  let waiting = 0

  async function load(registered: RegisteredFile, arrival: Arrival): Promise<ImportResult> {
    const { fileId } = registered
    let reported = 0
    const onProgress = (lines: number): void => {
      if (lines - reported < linesPerReport) return
      reported = lines
      // For people who look on; the load itself does not wait for it.
      database
        .forTenant(arrival.tenantId)
        .query(`UPDATE statement_files SET read_lines = $2 WHERE id = $1 AND status = 'LOADING'`, [fileId, lines])
        .catch((error: unknown) => log.warn({ err: error, fileId }, 'progress of a file could not be told'))
    }
    const result = await loadArrival({ ...imports, onProgress }, registered, arrival.source)
    log[result.status === 'REFUSED' ? 'warn' : 'info']({ fileId, status: result.status }, 'statement file taken')
    return result
  }

  async function reconcileAfter(result: ImportResult, { tenantId, actor }: Arrival): Promise<void> {
    if (result.status !== 'IMPORTED') return
    try {
      await reconcile({ database, environment, settler, log }, tenantId, actor)
    } catch (error) {
      // The lines are booked; the next run takes them up.
      log.error({ err: error, tenantId }, 'the run after a file failed')
    }
  }

  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = chain.then(work)
    chain = turn.catch(() => undefined)
    return turn
  }

  return {
    async accept(arrival) {
      if (waiting >= maxWaiting) throw new Problem('OVERLOADED')
      const registered = await registerArrival(imports, arrival)
      waiting += 1
      inTurn(async () => {
        try {
          await reconcileAfter(await load(registered, arrival), arrival)
        } finally {
          waiting -= 1
          await rm(arrival.discard ?? arrival.path, { recursive: true, force: true })
        }
      }).catch((error: unknown) =>
        log.error({ err: error, fileId: registered.fileId }, 'a statement file could not be loaded'),
      )
      return registered
    },
    take: (arrival) =>
      inTurn(async () => {
        const registered = await registerArrival(imports, arrival)
        const result = await load(registered, arrival)
        await reconcileAfter(result, arrival)
        return result
      }),
    async close() {
      await chain
    },
  }
}
