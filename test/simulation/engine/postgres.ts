/**
 * PostgreSQL as replicas see it: a real server over a few real connections, every statement let through by the world. Connections
 * break, commits lose their answer, the server restarts; what the server itself does is always the server's own doing.
 */
import pg from 'pg'
import { type Driver, type DriverClient, type Listening, sessionOptions, types } from '../../../src/store/database.ts'
import type { Fault, Host, LockWatch, World } from './world.ts'

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
      options: `${sessionOptions('feegate_service', 0)} -c idle_in_transaction_session_timeout=0 -c lock_timeout=0`,
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
        connect: () => this.connect(host),
        query: async (text, values) => {
          const client = await this.connect(host)
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

  private async connect(host: Host): Promise<DriverClient> {
    if (this.isDown) throw systemError('ECONNREFUSED')
    const sessions = this.sessions.get(host) ?? new Set()
    this.sessions.set(host, sessions)
    if (sessions.size >= this.mostPerHost) {
      const queue = this.queues.get(host) ?? []
      this.queues.set(host, queue)
      await new Promise<void>((resolve) => queue.push(resolve))
      return await this.connect(host)
    }
    const session: Session = { connection: this.server.take(), broken: null, onError: new Set(), notifies: [] }
    sessions.add(session)
    return {
      query: (text, values) => this.statement(host, session, text, values),
      on: (_event, handler) => session.onError.add(handler),
      off: (_event, handler) => session.onError.delete(handler),
      release: () => {
        sessions.delete(session)
        void this.giveBack(session)
        this.queues.get(host)?.shift()?.()
      },
    }
  }

  private statement(host: Host, session: Session, text: string, values?: unknown[]): Promise<{ rows: object[] }> {
    const operation = operationOf(text)
    const label = `${operation} ${text.replace(/\s+/g, ' ').trim().slice(0, 90)}`
    return new Promise((resolve, reject) => {
      const perform = async (fault: Fault | null): Promise<() => void> => {
        if (session.broken === null && this.isDown)
          await this.breakSession(session, 'terminating connection due to administrator command', '57P01')
        if (session.broken === null && fault === 'lost-before')
          await this.breakSession(session, 'read ECONNRESET', 'ECONNRESET')
        const { broken, connection } = session
        if (broken !== null || connection === null) return () => reject(broken ?? systemError('ECONNRESET'))
        try {
          const result = await connection.client.query(text, values)
          follow(session, connection, text)
          if (operation === 'db.commit' || !connection.inTransaction) this.notify(session)
          const { rows } = Array.isArray(result) ? (result.at(-1) as { rows: object[] }) : result
          if (fault === 'lost-after') {
            const error = await this.breakSession(session, 'read ECONNRESET', 'ECONNRESET')
            return () => reject(error)
          }
          return () => resolve({ rows })
        } catch (error) {
          // A wait that the world ended stands for one that PostgreSQL's own deadlock check would have ended.
          const seen = error instanceof pg.DatabaseError && error.code === '57014' ? systemError('40P01') : error
          return () => reject(seen)
        }
      }
      this.world.io(host, operation, label, perform, session.connection?.backend ?? null)
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

function operationOf(text: string): string {
  if (/^\s*BEGIN/i.test(text)) return 'db.begin'
  if (/^\s*COMMIT/i.test(text)) return 'db.commit'
  if (/^\s*ROLLBACK/i.test(text)) return 'db.rollback'
  return /^\s*SELECT/i.test(text) && !/FOR UPDATE|pg_notify|pg_try_advisory/i.test(text) ? 'db.read' : 'db.write'
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
