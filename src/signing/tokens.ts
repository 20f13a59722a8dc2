import { readJsonObject } from '../../adapters/shared/json-body.ts'
import { type JwsType, signCompact, verifyCompact } from './compact-jws.ts'
import type { KeyRing } from './key-ring.ts'

export type TokenSigner = (claims: object, typ: JwsType) => Promise<string>
/** The claims, or null when the token is not one of ours. Times are the caller's to check. */
export type TokenVerifier = (token: string, typ: JwsType) => Promise<unknown>

export function createTokens(keys: KeyRing): { sign: TokenSigner; verify: TokenVerifier } {
  return {
    sign: (claims, typ) => Promise.resolve(signCompact(keys.active(), typ, Buffer.from(JSON.stringify(claims)))),
    verify(token, typ) {
      const verified = verifyCompact(token, typ, (kid) => keys.find(kid))
      const claims = verified === null ? null : readJsonObject(verified.payload)
      return Promise.resolve(claims?.ok === true ? claims.value : null)
    },
  }
}
