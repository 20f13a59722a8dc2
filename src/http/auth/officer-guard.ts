import type { FastifyRequest } from 'fastify'
import { Problem } from '../../problem/problem.ts'
import type { Officer, OfficerVerifier, Role } from './officer.ts'

export type OfficerGuard = {
  /** For `onRequest`: a verified officer who holds one of the roles. */
  readonly holding: (...roles: readonly Role[]) => (request: FastifyRequest) => Promise<void>
  /** The officer of a request that has passed the guard. */
  readonly of: (request: FastifyRequest) => Officer
}

export function createOfficerGuard(verifyOfficer: OfficerVerifier): OfficerGuard {
  const officers = new WeakMap<FastifyRequest, Officer>()
  return {
    holding:
      (...roles) =>
      async (request) => {
        const officer = await verifyOfficer(request)
        if (!roles.some((role) => officer.roles.includes(role))) {
          const names = roles.join(' | ')
          throw new Problem('FORBIDDEN', { vi: `Cần vai trò ${names}.`, en: `The role ${names} is needed.` })
        }
        officers.set(request, officer)
      },
    of(request) {
      const officer = officers.get(request)
      if (officer === undefined) throw new Problem('UNAUTHENTICATED')
      return officer
    },
  }
}
