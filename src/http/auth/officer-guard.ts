import type { FastifyRequest } from 'fastify'
import { Problem } from '../../problem/problem.ts'
import type { Officer, OfficerVerifier, Role } from './officer.ts'

export type OfficerGuard = {
  /** An `onRequest` hook that lets in officers who hold at least one of these roles. */
  anyOf(...roles: readonly Role[]): (request: FastifyRequest) => Promise<void>
  /** The officer that a hook let in. */
  officerOf(request: FastifyRequest): Officer
}

export function createOfficerGuard(verifyOfficer: OfficerVerifier): OfficerGuard {
  const officers = new WeakMap<FastifyRequest, Officer>()
  return {
    anyOf:
      (...roles) =>
      async (request) => {
        const officer = await verifyOfficer(request)
        if (!roles.some((role) => officer.roles.includes(role)))
          throw new Problem('FORBIDDEN', {
            vi: `Cần một trong các vai trò: ${roles.join(', ')}.`,
            en: `One of these roles is needed: ${roles.join(', ')}.`,
          })
        officers.set(request, officer)
      },
    officerOf(request) {
      const officer = officers.get(request)
      if (officer === undefined) throw new Problem('UNAUTHENTICATED')
      return officer
    },
  }
}
