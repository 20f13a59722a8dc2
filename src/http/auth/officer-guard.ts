import type { FastifyRequest } from 'fastify'
import { Problem } from '../../problem/problem.ts'
import { type Officer, type OfficerVerifier, type Role, requireRole } from './officer.ts'

export type OfficerGuard = {
  /** For `onRequest`: a verified officer who holds the role. */
  readonly holding: (role: Role) => (request: FastifyRequest) => Promise<void>
  /** The officer of a request that has passed the guard. */
  readonly of: (request: FastifyRequest) => Officer
}

export function createOfficerGuard(verifyOfficer: OfficerVerifier): OfficerGuard {
  const officers = new WeakMap<FastifyRequest, Officer>()
  return {
    holding: (role) => async (request) => {
      const officer = await verifyOfficer(request)
      requireRole(officer, role)
      officers.set(request, officer)
    },
    of(request) {
      const officer = officers.get(request)
      if (officer === undefined) throw new Problem('UNAUTHENTICATED')
      return officer
    },
  }
}
