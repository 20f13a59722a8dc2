/** A PostgreSQL that is streamed to a synchronous standby: each on a small disk of its own where the machine lets us mount one. */
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { chown, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { plainEnvironment, unprivilegedAccount } from '../../src/store/embedded/account.ts'
import { findPlaces } from '../../src/store/embedded/places.ts'
import { loopback } from '../harness/ports.ts'
import { until } from './wait.ts'

const owner = 'feegate'
const password = 'chaos'
/** Small enough to be filled at once, large enough for all that a run writes. */
const diskMegabytes = { least: 320, perMinute: 20 }
const startSeconds = 120

const settings = {
  listen_addresses: loopback,
  unix_socket_directories: '',
  max_connections: '150',
  shared_buffers: '64MB',
  max_wal_size: '48MB',
  min_wal_size: '8MB',
  wal_keep_size: '48MB',
  max_wal_senders: '6',
  wal_sender_timeout: '5s',
  wal_receiver_timeout: '5s',
  wal_retrieve_retry_interval: '200ms',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

export class PgNode {
  readonly name: string
  readonly port: number
  /** Null: this machine lets nobody mount a small disk; why is in `noDiskBecause`. */
  readonly disk: string | null
  readonly data: string
  private readonly folder: string
  private readonly programs: string
  private readonly runAs = unprivilegedAccount()

  constructor(folder: string, name: string, port: number, minutes: number) {
    this.name = name
    this.port = port
    this.folder = folder
    const home = join(folder, name)
    mkdirSync(home, { recursive: true })
    this.programs = findPlaces(join(folder, 'programs'), this.runAs, pino({ level: 'silent' })).programs
    const size = diskMegabytes.least + Math.ceil(minutes) * diskMegabytes.perMinute
    this.disk =
      spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}m,mode=755`, 'tmpfs', home], { stdio: 'ignore' }).status ===
      0
        ? home
        : null
    this.data = join(home, 'data')
  }

  url(database: string, port = this.port): string {
    return `postgres://${owner}:${password}@${loopback}:${port}/${database}`
  }

  async initialise(): Promise<void> {
    this.makeEmpty()
    const passwordFile = join(this.folder, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    this.own(passwordFile)
    await this.run('initdb', [
      '-D',
      this.data,
      '-U',
      owner,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--wal-segsize=1',
      '--no-sync',
    ])
    writeFileSync(
      join(this.data, 'postgresql.conf'),
      `${Object.entries({ ...settings, port: String(this.port) })
        .map(([name, value]) => `${name} = '${value}'`)
        .join('\n')}\n`,
    )
  }

  async start(): Promise<void> {
    await until(`PostgreSQL ${this.name} starts`, async () => {
      // After a kill -9 the children of the old server take a moment to let go of the data.
      if (this.isRunning()) return true
      await this.run('pg_ctl', ['start', '-D', this.data, '-w', '-t', String(startSeconds), '-l', this.log])
      return true
    })
  }

  async restartImmediately(): Promise<void> {
    try {
      await this.run('pg_ctl', [
        'restart',
        '-D',
        this.data,
        '-m',
        'immediate',
        '-w',
        '-t',
        String(startSeconds),
        '-l',
        this.log,
      ])
    } catch {
      // Its start may meet children of the server that was thrown down.
      await this.start()
    }
  }

  async promote(): Promise<void> {
    await this.run('pg_ctl', ['promote', '-D', this.data, '-w', '-t', String(startSeconds)])
  }

  /** The server's own process alone, as the kernel would take it; its children go after it. */
  kill(): void {
    const pid = this.postmaster()
    if (pid !== null) process.kill(pid, 'SIGKILL')
  }

  signalAll(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, signal)
      } catch {
        // Gone since it was listed.
      }
    }
  }

  async gone(): Promise<void> {
    await until(`PostgreSQL ${this.name} is gone`, () => Promise.resolve(this.processes().length === 0), {
      everyMs: 30,
    })
  }

  isRunning(): boolean {
    const pid = this.postmaster()
    return pid !== null && this.processes().includes(pid)
  }

  /** A copy of a running primary, following it. */
  async follow(primary: PgNode): Promise<void> {
    this.makeEmpty()
    await primary.asOwner('postgres', async (client) => {
      await client.query(`SELECT pg_backup_start('chaos', true)`)
      await this.copy(primary.data, this.data)
      const { rows } = await client.query<{ label: string }>('SELECT labelfile AS label FROM pg_backup_stop(false)')
      await writeFile(join(this.data, 'backup_label'), rows[0]?.label ?? '')
    })
    await writeFile(join(this.data, 'standby.signal'), '')
    const conf = readFileSync(join(this.data, 'postgresql.conf'), 'utf8')
    await writeFile(
      join(this.data, 'postgresql.conf'),
      `${conf}port = '${this.port}'\nprimary_conninfo = 'host=${loopback} port=${primary.port} user=${owner} password=${password} application_name=${this.name}'\n`,
    )
    for (const name of ['backup_label', 'standby.signal', 'postgresql.conf']) this.own(join(this.data, name))
    await this.start()
  }

  /** Whether commits wait for a standby. */
  async waitForStandby(wanted: boolean): Promise<void> {
    await this.asOwner('postgres', async (client) => {
      await client.query(`ALTER SYSTEM SET synchronous_standby_names = '${wanted ? '*' : ''}'`)
      await client.query('SELECT pg_reload_conf()')
      if (!wanted) return
      await until('the standby is synchronous', async () => {
        const { rows } = await client.query(`SELECT FROM pg_stat_replication WHERE sync_state = 'sync'`)
        return rows.length > 0
      })
    })
  }

  async asOwner<Result>(database: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: this.url(database) })
    // A server that is killed takes the connection along; the query says so.
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  async remove(): Promise<void> {
    this.signalAll('SIGKILL')
    await this.gone()
    rmSync(this.data, { recursive: true, force: true })
    if (this.disk !== null) spawnSync('umount', ['-l', this.disk], { stdio: 'ignore' })
  }

  private get log(): string {
    return join(this.folder, `postgres-${this.name}.log`)
  }

  private makeEmpty(): void {
    rmSync(this.data, { recursive: true, force: true })
    mkdirSync(this.data, { mode: 0o700 })
    this.own(this.data)
    writeFileSync(this.log, '', { flag: 'a' })
    this.own(this.log)
  }

  private own(path: string): void {
    chmodSync(path, 0o700)
    if (this.runAs !== null) chownSync(path, this.runAs.uid, this.runAs.gid)
  }

  /** Files that vanish meanwhile are no part of a backup; the log is streamed. */
  private async copy(from: string, to: string): Promise<void> {
    for (const entry of await readdir(from, { withFileTypes: true })) {
      if (['postmaster.pid', 'postmaster.opts'].includes(entry.name)) continue
      const [source, target] = [join(from, entry.name), join(to, entry.name)]
      try {
        if (entry.isDirectory()) {
          await mkdir(target, { mode: 0o700 })
          await this.copy(source, target)
        } else if (!from.includes('/pg_wal')) await copyFile(source, target)
        else continue
        if (this.runAs !== null) await chown(target, this.runAs.uid, this.runAs.gid)
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
        await rm(target, { force: true })
      }
    }
  }

  private postmaster(): number | null {
    try {
      const pid = Number(readFileSync(join(this.data, 'postmaster.pid'), 'utf8').split('\n')[0])
      return Number.isInteger(pid) && pid > 0 ? pid : null
    } catch {
      // No such file: it does not run.
      return null
    }
  }

  /** Every process of this server: all of them work in its data folder. */
  private processes(): number[] {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return []
      try {
        return readlinkSync(`/proc/${name}/cwd`).replace(/ \(deleted\)$/, '') === this.data ? [Number(name)] : []
      } catch {
        // Gone since it was listed, or not ours to look at.
        return []
      }
    })
  }

  private async run(program: string, args: readonly string[]): Promise<void> {
    const child = spawn(join(this.programs, program), args, {
      ...(this.runAs ?? {}),
      cwd: '/',
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    })
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString('utf8')
    })
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    child.stderr.destroy()
    if (status !== 0) throw new Error(`${program} of ${this.name} failed: ${complaint.trim()}`)
  }
}

export class PostgresPair {
  primary: PgNode
  standby: PgNode

  constructor(folder: string, [first, second]: readonly [number, number], minutes: number) {
    this.primary = new PgNode(folder, 'a', first, minutes)
    this.standby = new PgNode(folder, 'b', second, minutes)
  }

  async start(database: string): Promise<void> {
    await this.primary.initialise()
    await this.primary.start()
    await this.primary.asOwner('postgres', (client) => client.query(`CREATE DATABASE ${database}`))
    await this.attachStandby()
  }

  async attachStandby(): Promise<void> {
    await this.standby.follow(this.primary)
    await this.primary.waitForStandby(true)
  }

  /** The primary is lost for good; whoever was acknowledged a commit finds it on the standby. */
  async failOver(): Promise<void> {
    this.primary.kill()
    await this.standby.promote()
    ;[this.primary, this.standby] = [this.standby, this.primary]
    await this.primary.waitForStandby(false)
  }

  async rebuild(): Promise<void> {
    this.standby.signalAll('SIGKILL')
    await this.standby.gone()
    await this.attachStandby()
  }

  async close(): Promise<void> {
    for (const node of [this.standby, this.primary]) await node.remove()
  }
}
