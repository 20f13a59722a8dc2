/** What every simulated rail has, so that one list, one page and one test can walk over all of them. */
import type { FastifyInstance } from 'fastify'
import { type Behaviour, createBehaviour } from './behaviour.ts'
import type { SandboxContext } from './context.ts'
import { type Acknowledgement, type Callback, createNotifier, type Notifier } from './notifier.ts'
import { createPartnerServer, listen } from './partner.ts'

export type RailPartner<Config extends object = object> = {
  readonly baseUrl: string
  /** Base address of the gateway's rail account, as registered with this partner. Null while it knows none. */
  callbackUrl: string | null
  readonly behaviour: Behaviour
  readonly notifier: Notifier
  readonly callbacks: readonly Callback[]
  /** What the gateway's rail account must hold to speak with this partner. */
  accountConfig(): Config
  close(): Promise<void>
}

/** How a callback that is sent departs from the truth. */
export type Sending = {
  /** Another amount under the signature of the true one. */
  readonly tampered?: boolean
  readonly duplicate?: boolean
  /** VND to name instead of what was paid, signed. */
  readonly amount?: bigint
}

/** What came of a payer's choice. */
export type Paid<Transaction> = {
  readonly transaction: Transaction
  /** Acknowledgements of the first calls; `callbacks` keeps all. */
  readonly callbackAcks: readonly Acknowledgement[]
  /** Where the payer's browser goes. */
  readonly returnUrl: string
}

/** What each rail is built from. */
export type RailParts = {
  readonly behaviour: Behaviour
  readonly notifier: Notifier
  readonly server: FastifyInstance
  /** This partner's own clock, off by as much as it was told to be. */
  now(): Date
  /** Goes up from the time of the start: numbers of an earlier run never come again. */
  nextNumber(): string
  listen(port: number | undefined): Promise<string>
  close(): Promise<void>
}

export function makeRailParts(context: SandboxContext): RailParts {
  const behaviour = createBehaviour()
  const notifier = createNotifier(context, behaviour)
  const server = createPartnerServer(behaviour, context)
  let lastNumber = context.clock.now().getTime()
  return {
    behaviour,
    notifier,
    server,
    now: () => new Date(context.clock.now().getTime() + behaviour.current.clockSkewMs),
    nextNumber: () => String(++lastNumber),
    listen: (port = 0) => listen(server, context, port),
    async close() {
      await notifier.close()
      await server.close()
    },
  }
}

export const minuteMs = 60_000
/** Until a rail tells of a `late` payment. */
export const usualLateMs = 20 * minuteMs
/** How long a payment or a refund stays in process. */
export const usualPendingMs = minuteMs
export const usualRefundMs = 30_000
/** For rails that do not publish when they call again. */
export const unpublishedRetriesMs: readonly number[] = [1, 5, 15, 60].map((minutes) => minutes * minuteMs)
/** How long a partner waits for the gateway's acknowledgement. */
export const acknowledgementMs = 30_000
