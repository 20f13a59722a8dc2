import { readJsonObject } from '../../adapters/shared/json-body.ts'
import { type JwsType, signCompactWith, verifyCompact } from './compact-jws.ts'
import { jsonText } from './json-text.ts'
import type { KeyProvider } from './key-provider.ts'

/** Signs a document or the claims of a token; amounts may be bigint. */
export type TokenSigner = (claims: object, typ: JwsType) => Promise<string>
/** The claims, or null when the token is not one of ours. Times are the caller's to check. */
export type TokenVerifier = (token: string, typ: JwsType) => Promise<unknown>

export function createTokens(keys: KeyProvider): { sign: TokenSigner; verify: TokenVerifier } {
  return {
    sign: (claims, typ) => signCompactWith(keys, typ, Buffer.from(jsonText(claims))),
    verify(token, typ) {
      const verified = verifyCompact(token, typ, (kid) => keys.find(kid))
      const claims = verified === null ? null : readJsonObject(verified.payload)
      return Promise.resolve(claims?.ok === true ? claims.value : null)
    },
  }
}
