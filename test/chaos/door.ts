/** A TCP proxy between two parts: it cuts, stands still, slows down, or lets requests through and loses the answers. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { loopback, portOf } from '../harness/ports.ts'

export type DoorMode = 'open' | 'cut' | 'stall' | 'slow' | 'lose-answers'

/** What each piece waits while the door is slow. */
const slowMs = 120

type Pair = { readonly outer: Socket; readonly inner: Socket }

export class Door {
  readonly port: number
  private mode: DoorMode = 'open'
  private readonly server: Server
  private readonly targets: () => readonly number[]
  private readonly pairs = new Set<Pair>()
  private moved: { promise: Promise<void>; resolve: () => void } = gate()
  private turn = 0

  private constructor(server: Server, targets: () => readonly number[]) {
    this.server = server
    this.port = portOf(server)
    this.targets = targets
    server.on('connection', (outer: Socket) => this.let(outer))
  }

  /** @param targets ports behind it; each connection goes to the next one that takes it */
  static async open(targets: () => readonly number[]): Promise<Door> {
    const server = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve) => server.listen(0, loopback, resolve))
    return new Door(server, targets)
  }

  set(mode: DoorMode): void {
    this.mode = mode
    if (mode === 'cut') this.cut()
    const { resolve } = this.moved
    this.moved = gate()
    resolve()
  }

  /** Every connection is reset, and new ones go on as the mode says. */
  cut(): void {
    for (const { outer, inner } of this.pairs) {
      outer.resetAndDestroy()
      inner.destroy()
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private let(outer: Socket): void {
    // A broken connection is told by its close.
    outer.on('error', () => undefined)
    if (this.mode === 'cut') {
      outer.resetAndDestroy()
      return
    }
    const targets = this.targets()
    this.turn++
    this.tryTargets(
      outer,
      targets.map((_, index) => targets[(this.turn + index) % targets.length] ?? 0),
    )
  }

  private tryTargets(outer: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined || outer.destroyed) {
      outer.resetAndDestroy()
      return
    }
    const inner = connect({ host: loopback, port, allowHalfOpen: true })
    const next = (): void => this.tryTargets(outer, others)
    inner.once('error', next)
    inner.once('connect', () => {
      inner.off('error', next)
      inner.on('error', () => undefined)
      this.join({ outer, inner })
    })
  }

  private join(pair: Pair): void {
    this.pairs.add(pair)
    const { outer, inner } = pair
    this.pump(outer, inner, false)
    this.pump(inner, outer, true)
    for (const [one, other] of [
      [outer, inner],
      [inner, outer],
    ] as const)
      one.once('close', () => {
        this.pairs.delete(pair)
        // What the other still has to say may go out before it ends.
        other.end()
      })
  }

  private pump(from: Socket, to: Socket, isAnswer: boolean): void {
    const pass = async (chunk: Buffer): Promise<void> => {
      from.pause()
      while (this.mode === 'stall' && !from.destroyed) await this.moved.promise
      if (this.mode === 'slow') await new Promise((resolve) => setTimeout(resolve, slowMs))
      if (isAnswer && this.mode === 'lose-answers') {
        // The effect was had; whoever asked sees the connection end.
        to.end()
        from.destroy()
        return
      }
      if (to.writable && !to.write(chunk))
        await new Promise((resolve) => to.once('drain', resolve).once('close', resolve))
      from.resume()
    }
    from.on('data', (chunk: Buffer) => void pass(chunk))
    from.on('end', () => to.end())
  }
}

function gate(): { promise: Promise<void>; resolve: () => void } {
  return Promise.withResolvers<void>()
}
