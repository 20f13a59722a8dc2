/**
 * The parity sweeper: walks what changed lately and, slowly, everything there is, and looks whether the parts of a payment tie
 * (src/domain/parity.ts). What safely follows from committed facts is repaired; the rest is written down, counted and told.
 *
 * Every pass is a row with a place and a lease. A round is bounded, reads without locks, and moves the place at its end: a
 * replica that dies in between costs one lease, and whoever looks at the same rows again finds the same and repairs once.
 */
import type { Logger } from 'pino'
import { type IdPrefix, idRandomBytes, makeId } from '../domain/ids.ts'
import { type ParityCode, parityClasses, parityCodes, parityScopes } from '../domain/parity.ts'
import { gatewayActor } from '../domain/refund.ts'
import { type Environment, newId } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import type { Database } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import {
  beginPasses,
  claimPass,
  closeRepaired,
  countOpenFindings,
  endRound,
  type Finding,
  findingsToCheck,
  markChecked,
  nextRows,
  openFindings,
  type Pass,
} from '../store/parity.ts'
import { findDiscrepancies } from '../store/parity-checks.ts'
import { lockSubject, type RepairCode, repairs } from './parity-repairs.ts'

export type ParityOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly metrics: Metrics
  readonly log: Logger
}

const minute = 60_000
/** Rows a round looks at. */
export const parityBatch = 500
/** Rows younger than this wait: a transaction that began before may still commit (its statements end after 30 s). */
export const parityLagMs = minute
/** How far back the moving window begins where no sweeper has been before; the full pass sees the rest. */
const firstWindowMs = 60 * minute
const recentEveryMs = 15_000
const fullEveryMs = minute
/** From the end of a full pass to the next. */
const fullPauseMs = 6 * 60 * minute
const leaseMs = 2 * minute
/** Open findings looked at again, in one go and how often. */
const recheckBatch = 200
const recheckEveryMs = minute

/**
 * One round of every pass that is due, and another look at what is open. Returns how many recent passes have more waiting.
 */
export async function sweepParity(options: ParityOptions): Promise<number> {
  const { database, environment, metrics } = options
  const from = new Date(environment.now().getTime() - firstWindowMs)
  await beginPasses(database, from, (prefix) => lowestId(prefix as IdPrefix, from))
  let behind = 0
  for (let left = 2 * Object.keys(parityScopes).length; left > 0; left--) {
    const now = environment.now()
    const pass = await claimPass(database, now, new Date(now.getTime() + leaseMs))
    if (pass === null) break
    if (await sweepOnce(options, pass)) behind += 1
  }
  await checkAgain(options)
  const counts = await countOpenFindings(database)
  for (const code of parityCodes) metrics.parityFindings.set({ code }, counts.get(code) ?? 0)
  return behind
}

async function sweepOnce(options: ParityOptions, pass: Pass): Promise<boolean> {
  const { database, environment } = options
  const now = environment.now()
  const until = new Date(now.getTime() - parityLagMs)
  const rows = await nextRows(database, pass, {
    until,
    untilId: lowestId(parityScopes[pass.scope].idPrefix, until),
    limit: parityBatch,
  })
  const ids = rows.map(({ id }) => id)
  for (const code of parityCodes) if (parityClasses[code].scope === pass.scope) await look(options, code, ids)
  const isFull = rows.length === parityBatch
  const last = rows.at(-1) ?? { at: pass.afterAt, id: pass.afterId }
  const over = pass.kind === 'FULL' && !isFull
  const pauseMs = pass.kind === 'FULL' ? (over ? fullPauseMs : fullEveryMs) : isFull ? 0 : recentEveryMs
  const owned = await endRound(database, pass, {
    place: over ? { at: pass.afterAt, id: '' } : last,
    dueAt: new Date(now.getTime() + pauseMs),
    finishedAt: over ? now : null,
  })
  return owned && isFull && pass.kind === 'RECENT'
}

/** Asks one class about rows; repairs or tells. */
async function look(options: ParityOptions, code: ParityCode, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const { database, environment } = options
  const found = await findDiscrepancies(database, code, ids)
  const findings = found.map((one): Finding => ({ ...one, code, id: newId(environment, 'pfd') }))
  const open: Finding[] = []
  for (const finding of findings) if (!(await repaired(options, finding))) open.push(finding)
  const fresh = new Set(await openFindings(database, open, environment.now()))
  for (const finding of open) if (fresh.has(finding.id)) tell(options, finding)
}

/** True when nothing is left to do about it: repaired here, or gone when asked again under the locks. */
export async function repaired(options: ParityOptions, finding: Finding): Promise<boolean> {
  const { code, subject, tenantId, detail } = finding
  if (!isRepairable(code)) return false
  const { database, environment, log } = options
  try {
    const done = await database.transaction(async (tx) => {
      await lockSubject(tx, code, finding)
      if ((await findDiscrepancies(tx, code, [subject])).length === 0) return false
      const now = environment.now()
      await repairs[code](tx, environment, subject)
      if ((await findDiscrepancies(tx, code, [subject])).length > 0) throw new Error('it does not tie after its repair')
      const entry = { kind: 'parity.repaired', subject, actor: gatewayActor, facts: { code, detail } }
      await appendJournal(tx, [{ ...entry, tenantId, at: now }])
      await closeRepaired(tx, finding, now)
      return true
    })
    if (done) log.warn({ code, subject, invoiceId: finding.invoiceId, detail }, 'parity: repaired')
    return true
  } catch (error) {
    log.error({ err: error, code, subject }, 'parity: a repair failed; it stays open and is tried again')
    return false
  }
}

/** Open findings once more: those that tie now are closed, those that can be repaired are tried again. */
async function checkAgain(options: ParityOptions): Promise<void> {
  const { database, environment } = options
  const now = environment.now()
  const open = await findingsToCheck(database, new Date(now.getTime() - recheckEveryMs), recheckBatch)
  if (open.length === 0) return
  const still = new Set<string>()
  for (const code of parityCodes) {
    const subjects = open.filter((finding) => finding.code === code).map(({ subject }) => subject)
    if (subjects.length === 0) continue
    for (const one of await findDiscrepancies(database, code, subjects)) {
      if (!(await repaired(options, { ...one, code, id: newId(environment, 'pfd') })))
        still.add(`${code} ${one.subject}`)
    }
  }
  await markChecked(
    database,
    open.map(({ id, code, subject }) => ({ id, gone: !still.has(`${code} ${subject}`) })),
    now,
  )
}

function tell({ log }: ParityOptions, { id, code, subject, tenantId, invoiceId, detail }: Finding): void {
  const { means, remedy, severity } = parityClasses[code]
  log.error({ findingId: id, code, severity, subject, tenantId, invoiceId, detail, remedy }, `parity: ${means}`)
}

function isRepairable(code: ParityCode): code is RepairCode {
  return parityClasses[code].action === 'repair'
}

/** Sorts before every id made at `at` or later. */
function lowestId(prefix: IdPrefix, at: Date): string {
  return makeId(prefix, at, new Uint8Array(idRandomBytes))
}
