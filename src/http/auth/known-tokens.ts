/** Access tokens that were found good, and whose: so that a request can be told by its client before anything is verified again. */
import { createHash } from 'node:crypto'
import type { Environment } from '../../environment.ts'

export type KnownTokens = {
  /** Null: not known, or no longer good. What is not known may still be good; it has only not been verified here. */
  clientOf(authorization: string | undefined): string | null
  /** Called once a token is verified. `expiresAt` in seconds since 1970. */
  remember(token: string, clientId: string, expiresAt: number): void
}

const mostRemembered = 10_000
const bearer = /^Bearer ([A-Za-z0-9._~+/-]{1,4096}=*)$/

export function createKnownTokens(environment: Environment): KnownTokens {
  const known = new Map<string, { readonly clientId: string; readonly expiresAt: number }>()
  const keyOf = (token: string): string => createHash('sha256').update(token).digest('base64')
  return {
    clientOf(authorization) {
      const token = bearer.exec(authorization ?? '')?.[1]
      const found = token === undefined ? undefined : known.get(keyOf(token))
      return found === undefined || found.expiresAt * 1000 <= environment.now().getTime() ? null : found.clientId
    },
    remember(token, clientId, expiresAt) {
      const key = keyOf(token)
      if (known.has(key)) return
      const [oldest] = known.keys()
      if (known.size >= mostRemembered && oldest !== undefined) known.delete(oldest)
      known.set(key, { clientId, expiresAt })
    },
  }
}
