import type { FastifyRequest } from 'fastify'
import { Problem } from '../../problem/problem.ts'

/** A portal that has shown a valid access token. Every query it causes is scoped to its tenant. */
export type Caller = {
  readonly clientId: string
  readonly tenantId: string
  readonly scopes: readonly string[]
  /** Empty: every agency of the tenant. */
  readonly agencyCodes: readonly string[]
  readonly returnOrigins: readonly string[]
  readonly requestsPerMinute: number
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | null
  }
}

export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Problem('UNAUTHENTICATED')
  return request.caller
}
