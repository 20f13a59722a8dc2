/**
 * Statements that banks give when asked (`statement` of an adapter): every day that is over, early the next morning, once per bank
 * account. Rows of `statement_fetches` are leased, so replicas ask each bank once; asking again changes nothing, and the same answer
 * is the same file. A bank that does not answer is asked again with growing pauses, then given up: its file can be uploaded.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Adapter, StatementResult, StatementSpan, Step } from '../../adapters/contract.ts'
import { addDays } from '../domain/business-days.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { type Environment, newId } from '../environment.ts'
import type { CircuitBreaker } from '../network/circuit-breaker.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import type { OpenRailAccount, RailAccounts } from '../rails/accounts.ts'
import { readAnswerWithAnyKey } from '../rails/any-key.ts'
import { runSteps } from '../rails/run-steps.ts'
import type { Database } from '../store/database.ts'
import { fromHour } from './daily.ts'
import type { Desk } from './desk.ts'
import { type FetchedStatement, fetchedEvents, fetchedText } from './fetched-statement.ts'

export type FetchOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly adapters: readonly Adapter[]
  readonly desk: Desk
  readonly call: HttpCaller
  readonly breaker: CircuitBreaker
  readonly serverIp: string
  readonly log: Logger
}

/** After an outage of ours, days further back are left to files. */
const mostDaysBack = 10
const minuteMs = 60_000
/** Longer than any call and any import of its answer. */
const leaseMs = 60 * minuteMs
const claimSize = 20
/** Pauses after a try that brought nothing; the last goes on. */
const pausesMs: readonly number[] = [10, 30, 60].map((minutes) => minutes * minuteMs)
/** Two days of hourly tries. */
const mostTries = 48

/** One look: plans the days that are over, asks what is due. Returns how many were asked. */
export async function fetchDue(options: FetchOptions): Promise<number> {
  await plan(options)
  const claimed = await claim(options)
  for (const due of claimed) await fetchOne(options, due)
  return claimed.length
}

/** Rail accounts whose bank can be asked, one per bank account. */
async function askable({ database, environment, railAccounts, adapters, serverIp }: FetchOptions) {
  const rails = adapters.filter(({ statement }) => statement !== undefined).map(({ name }) => name)
  const rows = await database.query<{
    id: string
    tenantId: string
    bank: string
    accountNumber: string
    last: string | null
  }>(
    `SELECT r.id, r.tenant_id AS "tenantId", b.bank_bin || ' ' || b.account_number AS bank, b.account_number AS "accountNumber",
            (SELECT max(f.business_date) FROM statement_fetches f WHERE f.rail_account_id = r.id) AS last
       FROM rail_accounts r JOIN beneficiary_accounts b ON b.id = r.beneficiary_account_id
      WHERE r.status = 'ACTIVE' AND r.rail = ANY($1) ORDER BY r.tenant_id, r.position, r.id`,
    [rails],
  )
  const found = new Map<string, (typeof rows)[number]>()
  for (const row of rows) {
    const key = `${row.tenantId} ${row.bank}`
    const account = found.has(key) ? null : await railAccounts.get(row.id)
    if (account === null) continue
    const today = businessDate(environment.now())
    const span = { accountNumber: row.accountNumber, from: today, to: today }
    const step = ask(account, span, environment, serverIp)
    if (step !== null && !(step.kind === 'done' && step.result.kind === 'notOffered')) found.set(key, row)
  }
  return [...found.values()]
}

function ask(
  account: OpenRailAccount,
  span: StatementSpan,
  environment: Environment,
  serverIp: string,
): Step<StatementResult> | null {
  const context = { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp }
  return account.adapter.statement?.(span, { id: account.id, config: account.config }, context) ?? null
}

async function plan(options: FetchOptions): Promise<void> {
  const { database, environment } = options
  const now = environment.now()
  const today = businessDate(now)
  const yesterday = addDays(today, -1)
  if (businessDate(new Date(now.getTime() - fromHour * 60 * minuteMs)) !== today) return
  for (const { id, tenantId, last } of await askable(options)) {
    const oldest = addDays(today, -mostDaysBack)
    const first = last === null ? yesterday : [addDays(last, 1), oldest].sort().at(-1)
    await database.forTenant(tenantId).query(
      `INSERT INTO statement_fetches (rail_account_id, business_date, tenant_id, status, next_try_at, updated_at)
       SELECT $1, day::date, $2, 'WAITING', $5, $5 FROM generate_series($3::date, $4::date, interval '1 day') AS day
       ON CONFLICT DO NOTHING`,
      [id, tenantId, first, yesterday, now],
    )
  }
}

type Due = {
  railAccountId: string
  tenantId: string
  day: string
  accountNumber: string
  /** Under which imports know the bank account, of all that name it. */
  bankAccountId: string
  tries: number
}

async function claim({ database, environment }: FetchOptions): Promise<Due[]> {
  const now = environment.now()
  return await database.query<Due>(
    `UPDATE statement_fetches f SET lease_until = $2, tries = tries + 1, updated_at = $1
       FROM (SELECT rail_account_id, business_date FROM statement_fetches
              WHERE status = 'WAITING' AND next_try_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
              ORDER BY next_try_at LIMIT ${claimSize} FOR UPDATE SKIP LOCKED) due,
            rail_accounts r JOIN beneficiary_accounts b ON b.id = r.beneficiary_account_id
      WHERE f.rail_account_id = due.rail_account_id AND f.business_date = due.business_date AND r.id = f.rail_account_id
      RETURNING f.rail_account_id AS "railAccountId", f.tenant_id AS "tenantId", f.business_date AS day, b.account_number AS "accountNumber", f.tries,
                (SELECT min(o.id) FROM beneficiary_accounts o WHERE o.tenant_id = b.tenant_id AND o.bank_bin = b.bank_bin AND o.account_number = b.account_number) AS "bankAccountId"`,
    [now, new Date(now.getTime() + leaseMs)],
  )
}

type Ending = { readonly fileId: string } | { readonly error: string }

async function fetchOne(options: FetchOptions, due: Due): Promise<void> {
  const { database, environment, log } = options
  const { railAccountId, tenantId, day, tries } = due
  let ending: Ending
  try {
    ending = await bring(options, due)
  } catch (error) {
    log.warn({ err: error, railAccountId, day }, 'a statement could not be fetched')
    ending = { error: error instanceof Error ? error.message : String(error) }
  }
  const now = environment.now()
  const pauseMs = pausesMs[Math.min(tries, pausesMs.length) - 1] ?? minuteMs
  const status = 'fileId' in ending ? 'TAKEN' : tries >= mostTries ? 'GIVEN_UP' : 'WAITING'
  await database.forTenant(tenantId).query(
    `UPDATE statement_fetches SET status = $3, file_id = $4, last_error = $5, next_try_at = $6, lease_until = NULL, updated_at = $7
      WHERE rail_account_id = $1 AND business_date = $2`,
    [
      railAccountId,
      day,
      status,
      'fileId' in ending ? ending.fileId : null,
      'error' in ending ? ending.error.slice(0, 500) : null,
      new Date(now.getTime() + pauseMs),
      now,
    ],
  )
  log[status === 'TAKEN' ? 'info' : 'warn']({ railAccountId, day, tries, ...ending }, 'asked a bank for a statement')
}

async function bring(
  options: FetchOptions,
  { railAccountId, day, accountNumber, bankAccountId }: Due,
): Promise<Ending> {
  const account = await options.railAccounts.get(railAccountId)
  if (account === null) return { error: 'the rail account cannot be opened' }
  if (!options.breaker.allows(account.id)) return { error: 'the bank does not answer: left alone for a moment' }
  const span = { accountNumber, from: day, to: day }
  const result = await askBank(options, account, span)
  if (result.kind === 'statement') return await importFetched(options, account, bankAccountId, result, span)
  if (result.kind === 'refused') return { error: `the bank refused: ${result.railCode} ${result.message}` }
  return { error: result.kind === 'unknown' ? result.detail : 'the account has no such service' }
}

async function askBank(
  { environment, call, breaker, serverIp }: FetchOptions,
  account: OpenRailAccount,
  span: StatementSpan,
): Promise<StatementResult> {
  const first = ask(account, span, environment, serverIp)
  if (first === null) return { kind: 'notOffered' }
  const context = { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp }
  try {
    const result = await runSteps(
      first,
      (answer, state) =>
        readAnswerWithAnyKey(
          account,
          (candidate) => account.adapter.readStatement?.(answer, state, span, candidate, context) ?? first,
        ),
      call,
    )
    breaker.answered(account.id)
    return result
  } catch (error) {
    if (error instanceof HttpCallError) breaker.failed(account.id)
    throw error
  }
}

async function importFetched(
  { desk }: FetchOptions,
  account: OpenRailAccount,
  beneficiaryAccountId: string,
  statement: FetchedStatement,
  span: StatementSpan,
): Promise<Ending> {
  const folder = await mkdtemp(join(tmpdir(), 'feegate-fetched-'))
  try {
    const path = join(folder, 'statement')
    await writeFile(path, fetchedText(statement, span))
    const result = await desk.take({
      tenantId: account.tenantId,
      path,
      name: `${account.id} ${span.from}`,
      origin: 'BANK',
      actor: 'feegate',
      source: {
        kind: 'STATEMENT',
        sourceId: null,
        beneficiaryAccountId,
        events: () => fetchedEvents(statement, span),
      },
    })
    return result.status === 'REFUSED'
      ? { error: `${result.refusal.code}: ${result.refusal.message}` }
      : { fileId: result.fileId }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const lookEveryMs = 5 * minuteMs

export function startFetchingStatements(options: FetchOptions): { close(): Promise<void> } {
  const { environment, log } = options
  const stop = new AbortController()
  const running = (async () => {
    while (!stop.signal.aborted) {
      try {
        await fetchDue(options)
      } catch (error) {
        log.warn({ err: error }, 'statements of banks could not be looked for; it is tried again')
      }
      await environment.sleep(lookEveryMs, stop.signal)
    }
  })()
  return {
    async close() {
      stop.abort()
      await running
    },
  }
}
