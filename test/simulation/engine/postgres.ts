/**
 * PostgreSQL as replicas see it: a real server over a few real connections, every statement let through by the world. Connections
 * break, commits lose their answer, the server restarts; what the server itself does is always the server's own doing.
 */
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import {
  type Driver,
  type DriverClient,
  type Listening,
  reservedConnections,
  sessionOptions,
  types,
} from '../../../src/store/database.ts'
import type { Host, LockWatch, Perform, World } from './world.ts'

type Connection = { readonly client: pg.Client; readonly backend: number; inTransaction: boolean }

/** Real connections, kept from one seed to the next. */
export class Server implements LockWatch {
  private readonly free: Connection[] = []
  private readonly owner: pg.Client
  private readonly url: string

  private constructor(owner: pg.Client, url: string) {
    this.owner = owner
    this.url = url
  }

  static async open(url: string, connections: number): Promise<Server> {
    const owner = new pg.Client({ connectionString: url, types })
    await owner.connect()
    const server = new Server(owner, url)
    await Promise.all(Array.from({ length: connections }, () => server.add()))
    // Ids of backends decide nothing, but the order in which connections are handed out should not change either.
    server.free.sort((a, b) => a.backend - b.backend)
    return server
  }

  private async add(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url,
      types,
      // The world's pauses are real time here, and mean nothing.
      options: `${sessionOptions('feegate_service', 0)} -c idle_in_transaction_session_timeout=0 -c lock_timeout=0 -c plan_cache_mode=force_generic_plan`,
    })
    // At the end of all the server goes first.
    client.on('error', () => undefined)
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    this.free.push({ client, backend: rows[0]?.pid ?? 0, inTransaction: false })
  }

  take(): Connection {
    const connection = this.free.pop()
    if (connection === undefined) throw new Error('the simulation has too few database connections')
    return connection
  }

  async give(connection: Connection): Promise<void> {
    if (connection.inTransaction) await connection.client.query('ROLLBACK')
    connection.inTransaction = false
    this.free.push(connection)
  }

  /** As the owner, past every fault: for set-up and for the invariants. */
  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.owner.query<Row>(text, [...values])).rows
  }

  /** A question that is asked again and again: planned once a run. */
  async ask<Row extends object>(name: string, text: string): Promise<Row[]> {
    return (await this.owner.query<Row>({ name, text })).rows
  }

  async blockers(backend: number): Promise<readonly number[]> {
    const [row] = await this.query<{ pids: number[] }>('SELECT pg_blocking_pids($1) AS pids', [backend])
    return row?.pids ?? []
  }

  async cancel(backend: number): Promise<void> {
    await this.query('SELECT pg_cancel_backend($1)', [backend])
  }

  /** Empties every table but the schema's own, and starts every sequence anew. */
  async reset(): Promise<void> {
    const tables = await this.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'feegate_migrations'`,
    )
    const sequences = await this.query<{ name: string }>(
      `SELECT quote_ident(sequencename) AS name FROM pg_sequences WHERE schemaname = 'public'`,
    )
    await this.owner.query(
      [
        `TRUNCATE ${tables.map(({ name }) => name).join(', ')} RESTART IDENTITY CASCADE`,
        ...sequences.map(({ name }) => `ALTER SEQUENCE ${name} RESTART`),
      ].join('; '),
    )
  }

  async close(): Promise<void> {
    await Promise.all([...this.free.map(({ client }) => client.end()), this.owner.end()])
  }
}

/**
 * A real connection is its own only from BEGIN to COMMIT, and for as long as one statement takes: so a few connections do all the
 * work of many, and each statement is planned on those few alone.
 */
type Session = {
  connection: Connection | null
  broken: Error | null
  readonly onError: Set<(error: Error) => void>
  notifies: string[]
}

export class Postgres {
  /** While down every statement fails and no connection can be made. */
  isDown = false
  private readonly sessions = new Map<Host, Set<Session>>()
  private readonly queues = new Map<Host, (() => void)[]>()
  private readonly listeners: { readonly host: Host; readonly channel: string; readonly handler: () => void }[] = []

  private readonly world: World
  private readonly server: Server
  private readonly mostPerHost: number

  constructor(world: World, server: Server, mostPerHost: number) {
    this.world = world
    this.server = server
    this.mostPerHost = mostPerHost
  }

  driverFor(host: Host): Driver {
    return {
      pool: {
        connect: () => this.connect(host, this.mostPerHost),
        query: async (text, values) => {
          const client = await this.connect(host, this.mostPerHost + reservedConnections)
          try {
            return await client.query(text, values)
          } finally {
            client.release()
          }
        },
        end: () => Promise.resolve(),
      },
      listen: (channel, handler) => Promise.resolve(this.listen(host, channel, handler)),
    }
  }

  /** Immediate restart: every connection breaks, open transactions are gone. */
  async stop(): Promise<void> {
    this.isDown = true
    await this.world.cancelBlocked()
    for (const sessions of this.sessions.values())
      for (const session of sessions)
        await this.breakSession(session, 'terminating connection due to administrator command', '57P01')
  }

  start(): void {
    this.isDown = false
    // Listening connections come back, and everybody looks once, for what may have been missed.
    for (const { host, handler } of this.listeners) this.world.at(host, this.world.now, handler)
  }

  async forget(host: Host): Promise<void> {
    for (const session of this.sessions.get(host) ?? []) if (session.connection !== null) await this.giveBack(session)
    this.sessions.delete(host)
    this.queues.delete(host)
    for (let index = this.listeners.length - 1; index >= 0; index--)
      if (this.listeners[index]?.host === host) this.listeners.splice(index, 1)
  }

  private listen(host: Host, channel: string, handler: () => void): Listening {
    const listener = { host, channel, handler }
    this.listeners.push(listener)
    handler()
    return {
      close: () => {
        this.listeners.splice(this.listeners.indexOf(listener), 1)
        return Promise.resolve()
      },
    }
  }

  private async connect(host: Host, most: number): Promise<DriverClient> {
    if (this.isDown) throw systemError('ECONNREFUSED')
    const sessions = this.sessions.get(host) ?? new Set()
    this.sessions.set(host, sessions)
    if (sessions.size >= most) {
      const queue = this.queues.get(host) ?? []
      this.queues.set(host, queue)
      await new Promise<void>((resolve) => queue.push(resolve))
      return await this.connect(host, most)
    }
    const session: Session = { connection: null, broken: null, onError: new Set(), notifies: [] }
    sessions.add(session)
    return {
      query: (text, values) =>
        this.statement(host, session, operationOf(text), text, (client) => client.query(planned(text, values))),
      copyIn: async (statement, chunks) => {
        // Whatever is read on the way is read before the statement waits for its turn.
        const rows: string[] = []
        for await (const chunk of chunks) rows.push(chunk)
        await this.statement(host, session, 'db.write', statement, async (client) => {
          await pipeline(Readable.from(rows, { objectMode: false }), client.query(copyFrom(statement)))
          return { rows: [] }
        })
      },
      on: (_event, handler) => session.onError.add(handler),
      off: (_event, handler) => session.onError.delete(handler),
      release: () => {
        sessions.delete(session)
        void this.giveBack(session)
        for (const wake of this.queues.get(host)?.splice(0) ?? []) wake()
      },
    }
  }

  private statement(
    host: Host,
    session: Session,
    operation: string,
    text: string,
    run: (client: pg.Client) => Promise<{ rows: object[] } | { rows: object[] }[]>,
  ): Promise<{ rows: object[] }> {
    const label = `${operation} ${text.replace(/\s+/g, ' ').trim().slice(0, 90)}`
    return new Promise((resolve, reject) => {
      const perform: Perform = async (fault, turn) => {
        if (session.broken === null && this.isDown)
          await this.breakSession(session, 'terminating connection due to administrator command', '57P01')
        if (session.broken === null && fault === 'lost-before')
          await this.breakSession(session, 'read ECONNRESET', 'ECONNRESET')
        const { broken } = session
        if (broken !== null) return () => reject(broken)
        session.connection ??= this.server.take()
        const { connection } = session
        const isKept = turn.mayBeWithdrawn && connection.inTransaction && operation === 'db.write'
        try {
          if (isKept) await connection.client.query('SAVEPOINT sim_turn')
          const result = await run(connection.client)
          if (isKept) await connection.client.query('RELEASE SAVEPOINT sim_turn')
          follow(session, connection, text)
          if (operation === 'db.commit' || !connection.inTransaction) this.notify(session)
          const rows = (Array.isArray(result) ? result.at(-1) : result)?.rows ?? []
          if (!connection.inTransaction) await this.giveBack(session)
          if (fault === 'lost-after') {
            const error = await this.breakSession(session, 'read ECONNRESET', 'ECONNRESET')
            return () => reject(error)
          }
          return () => resolve({ rows })
        } catch (error) {
          if (!connection.inTransaction) await this.giveBack(session)
          if (turn.withdrawn) {
            if (isKept) await connection.client.query('ROLLBACK TO SAVEPOINT sim_turn; RELEASE SAVEPOINT sim_turn')
            return () => undefined
          }
          // A wait that the world ended stands for one that PostgreSQL's own deadlock check would have ended.
          const seen = error instanceof pg.DatabaseError && error.code === '57014' ? systemError('40P01') : error
          return () => reject(seen)
        }
      }
      const backend = (): number | null => session.connection?.backend ?? null
      this.world.io(host, operation, label, perform, operation === 'db.write' ? backend : null)
    })
  }

  private async breakSession(session: Session, message: string, code: string): Promise<Error> {
    const error = Object.assign(new Error(message), { code })
    session.broken = error
    session.notifies = []
    await this.giveBack(session)
    for (const handler of session.onError) handler(error)
    return error
  }

  private async giveBack(session: Session): Promise<void> {
    const { connection } = session
    session.connection = null
    if (connection !== null) await this.server.give(connection)
  }

  private notify(session: Session): void {
    const channels = new Set(session.notifies)
    session.notifies = []
    for (const { host, channel, handler } of this.listeners)
      if (channels.has(channel)) this.world.at(host, this.world.now, handler)
  }
}

/** Statements with values are planned once a run, as their text stands; others may be several statements in one. */
function planned(text: string, values: unknown[] | undefined): pg.QueryConfig {
  if (values === undefined || /\bTEMP TABLE\b/.test(text)) return { text, ...(values === undefined ? {} : { values }) }
  return { name: hash('sha1', text, 'base64'), text, values }
}

function operationOf(text: string): string {
  if (/^\s*BEGIN/i.test(text)) return 'db.begin'
  if (/^\s*COMMIT/i.test(text)) return 'db.commit'
  if (/^\s*ROLLBACK/i.test(text)) return 'db.rollback'
  return /^\s*SELECT/i.test(text) && !/FOR UPDATE|pg_notify|lock/i.test(text) ? 'db.read' : 'db.write'
}

function follow(session: Session, connection: Connection, text: string): void {
  if (/^\s*BEGIN/i.test(text)) connection.inTransaction = true
  if (/^\s*(COMMIT|ROLLBACK)\s*$/i.test(text)) connection.inTransaction = false
  const channel = /pg_notify\('([^']+)'/.exec(text)?.[1]
  if (channel !== undefined) session.notifies.push(channel)
}

function systemError(code: string): Error {
  return Object.assign(new Error(`simulated ${code}`), { code })
}
