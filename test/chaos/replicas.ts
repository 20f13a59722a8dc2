/** Gateway processes as an operator runs them: `feegate serve`, started again whenever one ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loopback } from '../harness/ports.ts'
import { pause, until } from './wait.ts'

const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))
const restartAfterMs = 300

export class Replica {
  readonly name: string
  readonly port: number
  /** Times it ended after it had served, without being told to. */
  readonly deaths: string[] = []
  private readonly folder: string
  private readonly note: (line: string) => void
  private child: ChildProcess | null = null
  private wanted = false
  private hasServed = false
  private told = false

  constructor(folder: string, name: string, port: number, note: (line: string) => void) {
    this.folder = folder
    this.note = note
    this.name = name
    this.port = port
  }

  start(variables: NodeJS.ProcessEnv): void {
    this.wanted = true
    this.spawn(variables)
  }

  get logs(): readonly [out: string, err: string] {
    return [join(this.folder, `${this.name}.log`), join(this.folder, `${this.name}.err`)]
  }

  async ready(): Promise<void> {
    await until(`${this.name} is ready`, async () => {
      const { ok } = await fetch(`http://${loopback}:${this.port}/readyz`, { signal: AbortSignal.timeout(5_000) })
      this.hasServed ||= ok
      return ok
    })
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.told = true
    this.child?.kill(signal)
  }

  async stop(): Promise<void> {
    this.wanted = false
    const { child } = this
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    this.signal('SIGTERM')
    // One that does not stop when told is a fault of its own; what follows must not hang on it.
    const killing = setTimeout(() => {
      this.deaths.push('did not stop within 40 s of SIGTERM')
      child.kill('SIGKILL')
    }, 40_000)
    await gone
    clearTimeout(killing)
  }

  private spawn(variables: NodeJS.ProcessEnv): void {
    const [out, err] = this.logs.map((file) => openSync(file, 'a')) as [number, number]
    const child = spawn(process.execPath, [program, 'serve'], {
      env: { ...variables, PORT: String(this.port) },
      stdio: ['ignore', out, err],
    })
    for (const descriptor of [out, err]) closeSync(descriptor)
    this.child = child
    this.hasServed = false
    this.told = false
    this.note(`${this.name} starts (${child.pid})`)
    child.once('exit', (code, signal) => {
      this.note(`${this.name} is gone (${signal ?? code})`)
      // A gateway that cannot reach its database at the start ends with a sentence; whoever runs it starts it again.
      if (this.hasServed && !this.told) this.deaths.push(`ended by itself (${signal ?? code})`)
      if (this.wanted) void pause(restartAfterMs).then(() => (this.wanted ? this.spawn(variables) : undefined))
    })
  }
}
