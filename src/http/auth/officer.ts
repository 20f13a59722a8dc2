/** Officers of agencies: bearer tokens of the organisation's own identity provider (OIDC), checked against its JWKS. */

import type { FastifyRequest } from 'fastify'
import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Environment } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import { isUnambiguousJwt } from '../../signing/strict-jwt.ts'
import { confirmation, holdsToken } from '../tls/bound-token.ts'
import type { ClientCertificates } from '../tls/client-certificates.ts'

export const roles = [
  'finance.read',
  'finance.resolve',
  'finance.approve',
  'ops',
  'audit',
  'counter',
  'privacy',
] as const
export type Role = (typeof roles)[number]

export type Officer = {
  readonly subject: string
  readonly name: string
  readonly tenantId: string
  readonly roles: readonly Role[]
  /** Code of the agency the officer sits in, when the identity provider tells. */
  readonly unit: string | null
}

export type OfficerVerifier = (request: FastifyRequest) => Promise<Officer>

const claimsSchema = z.object({
  sub: z.string().min(1).max(200).refine(isPersonsName),
  name: z.string().max(200).default(''),
  // As the directory writes it. The name under which the database shows all tenants is none.
  tenant: z.string().regex(/^ten_[0-9a-z]{1,40}$/),
  roles: z.array(z.string().max(60)).max(50),
  unit: z.string().min(1).max(60).optional(),
  cnf: confirmation.optional(),
})

/**
 * Names under which the journal and the four-eyes rules know somebody else: the gateway, the operator's command line, a rail, a client.
 * And no name that looks like another: composed letters, nothing invisible, no space at its ends.
 */
function isPersonsName(subject: string): boolean {
  return (
    !/^(?:feegate$|payer$|folder$|demo$|operator:|rail:|partner:|officer:|cli_)/i.test(subject) &&
    /^[^\p{C}]+$/u.test(subject) &&
    subject === subject.normalize('NFC').trim()
  )
}

const clockToleranceSeconds = 30

/**
 * @param issuer null when no issuer is configured: every officer is refused then
 */
export function createOfficerVerifier({
  issuer,
  audience,
  environment,
  clientCertificates,
}: {
  issuer: string | null
  audience: string
  environment: Environment
  clientCertificates: ClientCertificates
}): OfficerVerifier {
  if (issuer === null)
    return () =>
      Promise.reject(
        new Problem('UNAUTHENTICATED', {
          en: 'no identity provider is configured for officers',
          vi: 'Chưa cấu hình nhà cung cấp định danh cho cán bộ.',
        }),
      )
  const base = issuer.replace(/\/+$/, '')
  const keys = keysOfIssuer(new URL(`${base}/jwks.json`))
  return async (request) => {
    const token = bearerToken(request)
    if (!isUnambiguousJwt(token)) throw new Problem('UNAUTHENTICATED')
    let payload: unknown
    try {
      const verified = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ['ES256', 'PS256', 'EdDSA', 'RS256'],
        clockTolerance: clockToleranceSeconds,
        currentDate: environment.now(),
        requiredClaims: ['exp', 'sub'],
      })
      payload = verified.payload
    } catch (error) {
      if (error instanceof IssuerAwayError) throw new Problem('UNAVAILABLE', { cause: error })
      throw new Problem('UNAUTHENTICATED', { cause: error })
    }
    const claims = claimsSchema.safeParse(payload)
    if (!claims.success) throw new Problem('UNAUTHENTICATED', { cause: claims.error })
    const { sub, name, tenant, unit = null, cnf } = claims.data
    if (!holdsToken(cnf, request.raw, clientCertificates)) throw new Problem('UNAUTHENTICATED')
    return {
      subject: sub,
      name,
      tenantId: tenant,
      roles: roles.filter((role) => claims.data.roles.includes(role)),
      unit,
    }
  }
}

class IssuerAwayError extends Error {
  readonly code = 'ISSUER_AWAY'
}

/** Cached, read again when a token names a key it does not hold, and kept through outages of the issuer. */
function keysOfIssuer(address: URL): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(address, {
    timeoutDuration: 3_000,
    cooldownDuration: 5_000,
    cacheMaxAge: 600_000,
  })
  return async (header, token) => {
    try {
      return await remote(header, token)
    } catch (error) {
      // The issuer answered, and the token's key is not among its keys or of no use.
      const aboutToken = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported]
      if (aboutToken.some((kind) => error instanceof kind)) throw error
      const known = remote.jwks()
      if (known === undefined) throw new IssuerAwayError('the keys of the issuer cannot be read', { cause: error })
      return await createLocalJWKSet(known)(header, token)
    }
  }
}

/** The token of the Authorization header; throws when there is none of the expected form. */
export function bearerToken(request: FastifyRequest): string {
  const match = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/i.exec(request.headers.authorization ?? '')
  if (match?.[1] === undefined) throw new Problem('UNAUTHENTICATED')
  return match[1]
}

export function requireRole(officer: Officer, role: Role): void {
  if (!officer.roles.includes(role))
    throw new Problem('FORBIDDEN', { vi: `Cần vai trò ${role}.`, en: `The role ${role} is needed.` })
}
