/** The first thing that happens to a request: it is let in, waits, or is sent away before its body is read. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Environment } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import {
  createAdmission,
  type Kind,
  kinds,
  type OverloadLimits,
  type RefusalReason,
  type Ticket,
} from '../overload/admission.ts'
import { Problem } from '../problem/problem.ts'
import { networkOf } from './address-limits.ts'
import type { KnownTokens } from './auth/known-tokens.ts'

export type OverloadOptions = {
  readonly limits: OverloadLimits
  /** How far this process is behind with its own work, in milliseconds. */
  readonly loopDelayMs: () => number
  readonly environment: Environment
  readonly metrics: Metrics
  readonly knownTokens: KnownTokens
}

/** Whoever asks whether we live is answered above all when we are busy. */
const always = new Set(['/healthz', '/readyz', '/metrics'])
const lookEveryMs = 100
/** Those sent away come back spread over so many seconds, from the first on. */
const [firstBackSeconds, spreadSeconds] = [1, 4]

type Visit = {
  readonly ticket: Ticket
  state: 'waiting' | 'in' | 'gone'
  /** The work is done: its answer is on its way out. */
  isAnswered: boolean
  /** The answer is out, or its caller has gone away. */
  isOver: boolean
}

export function guardAgainstOverload(server: FastifyInstance, options: OverloadOptions): void {
  const { limits, loopDelayMs, environment, metrics, knownTokens } = options
  const admission = createAdmission(limits)
  const visits = new WeakMap<FastifyRequest, Visit>()
  let isLooking = false

  function show(): void {
    metrics.loopDelaySeconds.set(loopDelayMs() / 1000)
    for (const kind of kinds) {
      metrics.requestsInFlight.set({ kind }, admission.inFlight(kind))
      metrics.requestsWaiting.set({ kind }, admission.waiting(kind))
    }
    if (!isLooking && isAnyoneWaiting()) void look()
  }

  const isAnyoneWaiting = (): boolean => kinds.some((kind) => admission.waiting(kind) > 0)

  /** Runs only while somebody waits. */
  async function look(): Promise<void> {
    isLooking = true
    while (isAnyoneWaiting()) {
      await environment.sleep(lookEveryMs)
      admission.expire(environment.now().getTime())
    }
    isLooking = false
    show()
  }

  function keyOf(request: FastifyRequest, kind: Kind): string {
    const client = kind === 'bank' ? null : knownTokens.clientOf(request.headers.authorization)
    return client === null ? `address ${networkOf(request.ip)}` : `client ${client}`
  }

  /** Each audience hears it from its own error handler: a payer as a page, a portal as a problem. */
  function refusal(kind: Kind, reason: RefusalReason): Problem {
    metrics.shed.inc({ kind, reason })
    const wait = firstBackSeconds + ((environment.random(1)[0] ?? 0) % spreadSeconds)
    return new Problem('OVERLOADED', { retryAfterSeconds: wait })
  }

  /** Work that goes on for a caller who has gone keeps its place until it is done. */
  function leaveIfDone(visit: Visit): void {
    if (visit.state === 'gone' || !visit.isOver || (visit.state === 'in' && !visit.isAnswered)) return
    visit.state = 'gone'
    admission.leave(visit.ticket)
    show()
  }

  server.addHook('onRequest', (request, reply, done) => {
    const [path = ''] = request.url.split('?')
    if (always.has(path)) {
      done()
      return
    }
    const kind = path.startsWith('/callbacks/') ? 'bank' : 'other'
    const visit: Visit = {
      ticket: {
        kind,
        key: keyOf(request, kind),
        admit() {
          visit.state = 'in'
          done()
        },
        refuse(reason) {
          visit.state = 'gone'
          done(refusal(kind, reason))
        },
      },
      state: 'waiting',
      isAnswered: false,
      isOver: false,
    }
    visits.set(request, visit)
    const end = (): void => {
      visit.isOver = true
      leaveIfDone(visit)
    }
    reply.raw.once('finish', end)
    reply.raw.once('close', end)
    admission.arrive(visit.ticket, environment.now().getTime(), loopDelayMs())
    show()
  })
  server.addHook('onSend', (request, _reply, payload, done) => {
    const visit = visits.get(request)
    if (visit !== undefined) {
      visit.isAnswered = true
      leaveIfDone(visit)
    }
    done(null, payload)
  })
}
