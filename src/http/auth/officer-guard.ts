import type { FastifyRequest } from 'fastify'
import { Problem } from '../../problem/problem.ts'
import type { Officer, OfficerVerifier, Role } from './officer.ts'

export type OfficerGuard = {
  /** For `onRequest`: refuses whoever holds none of these roles. */
  guard(...roles: readonly Role[]): (request: FastifyRequest) => Promise<void>
  /** The officer that the guard let in. */
  officerOf(request: FastifyRequest): Officer
}

export function createOfficerGuard(verify: OfficerVerifier): OfficerGuard {
  const officers = new WeakMap<FastifyRequest, Officer>()
  return {
    guard:
      (...roles) =>
      async (request) => {
        const officer = await verify(request)
        if (!roles.some((role) => officer.roles.includes(role))) {
          const names = roles.join(' | ')
          throw new Problem('FORBIDDEN', { vi: `Cần vai trò ${names}.`, en: `The role ${names} is needed.` })
        }
        officers.set(request, officer)
      },
    officerOf(request) {
      const officer = officers.get(request)
      if (officer === undefined) throw new Problem('UNAUTHENTICATED')
      return officer
    },
  }
}
