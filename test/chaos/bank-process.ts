/** The banks' process seen from the run: questions and answers by message. It is never killed: what it holds for true is the yardstick. */
import { type ChildProcess, fork } from 'node:child_process'
import { openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const bankRails = ['vnpay', 'onepay', 'momo', 'vietqr'] as const
export type BankRail = (typeof bankRails)[number]
export type BankWay = 'success' | 'duplicate' | 'fail' | 'cancel' | 'late' | 'pending-then-success' | 'tampered'

export type BankQuestion =
  /** `order`: what the payer holds, a pay address or the text of a QR code. */
  | { readonly kind: 'pay'; readonly rail: BankRail; readonly order: string; readonly way: BankWay }
  | { readonly kind: 'call back to'; readonly url: string }
  | { readonly kind: 'accounts' }
  /** Calls all that were not acknowledged again; answers with those that still are not. */
  | { readonly kind: 'call again' }
  | { readonly kind: 'money' }

/** Money that a bank holds for paid to us. */
export type BankMoney = {
  readonly rail: BankRail
  readonly reference: string
  /** Part of the rail's transaction id that is on record with us. */
  readonly key: string
  /** VND. */
  readonly amount: number
  /** The bank may believe that we know. */
  readonly acknowledged: boolean
}

export type BankAccount = { readonly baseUrl: string; readonly config: Record<string, unknown> }

export class BankProcess {
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  private asked = 0

  private constructor(child: ChildProcess) {
    this.child = child
    child.on('message', (message: { number: number; value?: unknown; error?: string }) => {
      const { number, value, error } = message
      const asking = this.waiting.get(number)
      this.waiting.delete(number)
      if (error === undefined) asking?.resolve(value)
      else asking?.reject(new Error(error))
    })
    child.once('exit', (code, signal) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the banks ended (${code ?? signal})`))
    })
  }

  static async start(logFile: string): Promise<BankProcess> {
    const log = openSync(logFile, 'a')
    const child = fork(fileURLToPath(new URL('banks.ts', import.meta.url)), [], {
      stdio: ['ignore', log, log, 'ipc'],
      execArgv: [],
    })
    const banks = new BankProcess(child)
    await new Promise((resolve, reject) => banks.waiting.set(0, { resolve, reject }))
    return banks
  }

  async pay(rail: BankRail, order: string, way: BankWay): Promise<void> {
    await this.ask({ kind: 'pay', rail, order, way })
  }

  async callBackTo(url: string): Promise<void> {
    await this.ask({ kind: 'call back to', url })
  }

  async accounts(): Promise<Record<BankRail, BankAccount>> {
    return (await this.ask({ kind: 'accounts' })) as Record<BankRail, BankAccount>
  }

  async callAgain(): Promise<readonly string[]> {
    return (await this.ask({ kind: 'call again' })) as readonly string[]
  }

  async money(): Promise<readonly BankMoney[]> {
    return (await this.ask({ kind: 'money' })) as readonly BankMoney[]
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal)
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await gone
  }

  private ask(question: BankQuestion): Promise<unknown> {
    const number = ++this.asked
    return new Promise((resolve, reject) => {
      this.waiting.set(number, { resolve, reject })
      this.child.send({ number, question })
    })
  }
}
