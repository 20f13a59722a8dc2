/**
 * The way to PostgreSQL. bigint columns are JS bigints, timestamps are Dates, calendar dates stay text.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { Logger } from 'pino'

export type Query = <Row extends object>(text: string, values: readonly unknown[]) => Promise<Row[]>

export type Transaction = {
  readonly query: Query
  /** Streams rows in COPY text format into a table, no faster than the server takes them; an error of the source is thrown on. */
  readonly copyIn: (statement: string, chunks: AsyncIterable<string>) => Promise<void>
}

export type Listening = { close(): Promise<void> }

export type TransactionOptions = { readonly isolation?: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE' }

/** What a route that serves one tenant may do: every statement runs with that tenant's name set in the database. */
export type TenantDatabase = {
  readonly query: Query
  transaction<Result>(work: (tx: Transaction) => Promise<Result>, options?: TransactionOptions): Promise<Result>
}

/** All that routes for portals and officers get: no statement of theirs runs without a tenant's name. */
export type TenantDatabases = Pick<Database, 'forTenant'>

export type Database = {
  readonly query: Query
  /**
   * Runs `work` in one transaction. Serialization failures and deadlocks are tried again (bounded, with jitter): the work
   * must have no effect outside the transaction. Resolves after the commit.
   */
  transaction<Result>(work: (tx: Transaction) => Promise<Result>, options?: TransactionOptions): Promise<Result>
  /** The same database seen as one tenant: portals and officers are served through it. */
  forTenant(tenantId: string): TenantDatabase
  /** Calls the handler at each NOTIFY, and once after each reconnection, when some may have been missed. */
  listen(channel: string, handler: () => void): Promise<Listening>
  ping(): Promise<void>
  close(): Promise<void>
}

/** PostgreSQL cannot be reached or cannot take work now; nothing is known to be committed. */
export class StoreUnavailableError extends Error {
  readonly code = 'STORE_UNAVAILABLE'
  /** True when a COMMIT was sent and its result was lost: the work may or may not be on record. */
  readonly commitUnknown: boolean

  constructor(message: string, options: { cause: unknown; commitUnknown?: boolean }) {
    super(message, { cause: options.cause })
    this.commitUnknown = options.commitUnknown ?? false
  }
}

/** A server that follows another takes no work: after a failover an address may lead to it for a while. */
class StandbyError extends Error {
  // What PostgreSQL itself says when it takes nobody yet.
  readonly code = '57P03'

  constructor() {
    super('the database is a standby')
  }
}

/** What of the driver is used: a simulation gives its own and decides when each statement runs and what becomes of it. */
export type Driver = {
  readonly pool: {
    connect(): Promise<DriverClient>
    /** A statement by itself: it never waits for a connection that a transaction holds. */
    query(text: string, values: unknown[]): Promise<{ rows: object[] }>
    end(): Promise<void>
  }
  /** For statements beside transactions; of `pool` when left out. */
  readonly statements?: { query(text: string, values: unknown[]): Promise<{ rows: object[] }>; end(): Promise<void> }
  listen(channel: string, handler: () => void): Promise<Listening>
}

export type DriverClient = {
  query(text: string, values?: unknown[]): Promise<{ rows: object[] }>
  /** Absent: a client of `pg`, which streams by itself. */
  copyIn?(statement: string, chunks: AsyncIterable<string>): Promise<void>
  on(event: 'error', handler: (error: Error) => void): unknown
  off(event: 'error', handler: (error: Error) => void): unknown
  /** With an error the connection is thrown away. */
  release(error?: Error): void
}

export type DatabaseOptions = {
  readonly url: string
  readonly maxConnections: number
  readonly log: Logger
  /** Role the service works under; migrations run as the owner instead. */
  readonly serviceRole?: string
  /** 0 ≤ value < 1, for the jitter between tries. */
  readonly random?: () => number
  readonly sleep?: (ms: number) => Promise<void>
  readonly statementTimeoutMs?: number
  /** Of `pg` when left out. */
  readonly driver?: Driver
}

const maxTries = 5
const connectTimeoutMs = 5_000
/** Beside the pool, for statements outside transactions while all of it is taken. */
export const reservedConnections = 2
const lockTimeoutMs = 10_000
const relistenMs = 1_000
/** Past the server's own limit, a connection that says nothing is taken for broken. */
const silenceMs = 10_000
/** Name under which row security shows all rows (migration 0008). */
const everyTenant = '*'

const { builtins } = pg.types
const parsers = new Map<number, (text: string) => unknown>([
  [builtins.INT8, (text) => BigInt(text)],
  [builtins.DATE, (text) => text],
])
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => parsers.get(oid) ?? pg.types.getTypeParser(oid, format),
}

/** The `code` of an error: an SQLSTATE, a system code, or ''. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** A wait for a lock, or a statement, that took too long: what it was part of is rolled back, and may be tried again. */
export function isCutShort(error: unknown): boolean {
  return ['55P03', '57014'].includes(errorCode(error))
}

/** Connection lost (08…), server shutting down, starting or a standby (57P…), too many connections or a full disk (53…), or the socket itself failed. */
function isUnavailable(error: unknown): boolean {
  const code = errorCode(error)
  return (
    /^(08|57P|53)/.test(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN'].includes(
      code,
    ) ||
    (error instanceof Error &&
      /Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
        error.message,
      ))
  )
}

export function openDatabase(options: DatabaseOptions): Database {
  const { log, random = () => 0.5, sleep = pause, driver = openDriver(options) } = options
  const { pool, statements = pool } = driver

  async function run<Row extends object>(
    client: Pick<DriverClient, 'query'>,
    text: string,
    values: readonly unknown[],
  ): Promise<Row[]> {
    const { rows } = await client.query(text, [...values])
    // The statement says what its rows look like; whoever wrote it names the type.
    return rows as Row[]
  }

  async function connect(): Promise<DriverClient> {
    try {
      return await pool.connect()
    } catch (error) {
      throw new StoreUnavailableError('the database cannot be reached', { cause: error })
    }
  }

  async function once<Result>(
    work: (tx: Transaction) => Promise<Result>,
    isolation: string,
    tenantId: string | null,
  ): Promise<Result> {
    const client = await connect()
    let broken: Error | undefined
    const onError = (error: Error): void => {
      broken = error
    }
    client.on('error', onError)
    let committing = false
    try {
      await client.query(
        tenantId === null
          ? `BEGIN ISOLATION LEVEL ${isolation}`
          : // One round trip; ends with the transaction, so a pooled connection never keeps it.
            `BEGIN ISOLATION LEVEL ${isolation}; SET LOCAL feegate.tenant = ${pg.escapeLiteral(tenantId)}`,
      )
      const result = await work({
        query: (text, values) => run(client, text, values),
        copyIn: (statement, chunks) => copyInto(client, statement, chunks),
      })
      committing = true
      await client.query('COMMIT')
      return result
    } catch (error) {
      if (isUnavailable(error)) {
        broken ??= error instanceof Error ? error : new Error(String(error))
        throw new StoreUnavailableError('the database connection was lost', { cause: error, commitUnknown: committing })
      }
      try {
        await client.query('ROLLBACK')
      } catch (rollbackError) {
        broken ??= rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError))
      }
      throw error
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  async function inTransaction<Result>(
    work: (tx: Transaction) => Promise<Result>,
    { isolation = 'READ COMMITTED' }: TransactionOptions,
    tenantId: string | null,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(work, isolation, tenantId)
      } catch (error) {
        const code = errorCode(error)
        if ((code !== '40001' && code !== '40P01') || attempt === maxTries) throw error
        log.info({ code, attempt }, 'transaction tried again')
        await sleep(2 ** attempt * (1 + random()) * 5)
      }
    }
  }

  return {
    async query(text, values) {
      try {
        return await run(statements, text, values)
      } catch (error) {
        if (isUnavailable(error)) throw new StoreUnavailableError('the database cannot be reached', { cause: error })
        throw error
      }
    },
    transaction: (work, transactionOptions = {}) => inTransaction(work, transactionOptions, null),
    forTenant: (tenantId) => {
      // The system's own name is nobody's to ask for.
      if (tenantId === '' || tenantId === everyTenant) throw new TypeError('no tenant is called that')
      return {
        query: (text, values) => inTransaction((tx) => tx.query(text, values), {}, tenantId),
        transaction: (work, transactionOptions = {}) => inTransaction(work, transactionOptions, tenantId),
      }
    },
    listen: (channel, handler) => driver.listen(channel, handler),
    async ping() {
      await this.query('SELECT 1', [])
    },
    async close() {
      await Promise.all(statements === pool ? [pool.end()] : [pool.end(), statements.end()])
    },
  }
}

async function copyInto(client: DriverClient, statement: string, chunks: AsyncIterable<string>): Promise<void> {
  if (client.copyIn !== undefined) return await client.copyIn(statement, chunks)
  if (!(client instanceof pg.Client)) throw new TypeError('this driver streams no rows')
  await pipeline(Readable.from(chunks, { objectMode: false }), client.query(copyFrom(statement)))
}

function openDriver({ url, maxConnections, log, serviceRole, statementTimeoutMs = 30_000 }: DatabaseOptions): Driver {
  const settings: pg.PoolConfig = {
    connectionString: url,
    types,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    application_name: 'feegate',
    options: sessionOptions(serviceRole, statementTimeoutMs),
    ...(statementTimeoutMs === 0 ? {} : { query_timeout: statementTimeoutMs + silenceMs }),
  }
  const openPool = (max: number): pg.Pool => {
    const opened = new pg.Pool({ ...settings, max, idleTimeoutMillis: 30_000, onConnect: refuseStandby })
    // A connection that breaks while idle is dropped by the pool; the next use opens another.
    opened.on('error', (error) => log.warn({ err: error }, 'an idle database connection broke'))
    return opened
  }
  const pool = openPool(maxConnections)
  // Whoever holds a connection in a transaction may wait for something that is read outside it (rail accounts, routing rules): were
  // all connections held by such, each would wait for the others.
  const reserve = openPool(reservedConnections)
  const isTaken = (): boolean => pool.idleCount === 0 && pool.totalCount >= maxConnections
  return {
    pool,
    statements: {
      query: (text, values) => (isTaken() ? reserve : pool).query(text, values),
      end: () => reserve.end(),
    },
    listen: (channel, handler) => startListening(settings, channel, handler, log),
  }
}

async function refuseStandby(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby')
  if (rows[0]?.standby !== false) throw new StandbyError()
}

/**
 * Settings of every session, as PostgreSQL's `options` take them. The gateway's own work (callbacks, settlement, watchers, delivery,
 * pages by token) sees every tenant; `forTenant` narrows a transaction to one.
 */
export function sessionOptions(serviceRole: string | undefined, statementTimeoutMs: number): string {
  return [
    ...(serviceRole === undefined ? [] : [`-c role=${serviceRole}`]),
    `-c statement_timeout=${statementTimeoutMs}`,
    `-c lock_timeout=${lockTimeoutMs}`,
    `-c feegate.tenant=${everyTenant}`,
    '-c idle_in_transaction_session_timeout=60000',
    '-c timezone=UTC',
  ].join(' ')
}

async function startListening(
  settings: pg.ClientConfig,
  channel: string,
  handler: () => void,
  log: Logger,
): Promise<Listening> {
  let client: pg.Client | null = null
  let timer: NodeJS.Timeout | null = null
  let closed = false

  async function connect(): Promise<void> {
    const fresh = new pg.Client(settings)
    fresh.on('notification', handler)
    const reconnect = (): void => {
      if (closed || client !== fresh) return
      client = null
      timer = setTimeout(() => void connect(), relistenMs)
    }
    fresh.on('error', (error) => {
      log.warn({ err: error }, 'the listening connection broke')
      reconnect()
    })
    fresh.on('end', reconnect)
    client = fresh
    try {
      await fresh.connect()
      await fresh.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
      handler()
    } catch (error) {
      log.warn({ err: error }, 'cannot listen; trying again')
      reconnect()
    }
  }

  await connect()
  return {
    async close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      await client?.end()
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
