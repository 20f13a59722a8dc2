/** The signing keys of this installation: from the variable, from PKCS#12 files, or from the key folder. */
import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import { keysFromEnvironment } from './environment-keys.ts'
import type { KeyProvider } from './key-provider.ts'
import { openKeyRing } from './key-ring.ts'
import { keysFromPkcs12 } from './pkcs12-keys.ts'

export type KeyConfig = Pick<Config, 'keysDir' | 'signingKeys' | 'signingP12' | 'signingP12Password' | 'signingAlg'>

/** @param first makes a first key in an empty folder; left out by whoever only reads */
export function openKeys(
  config: KeyConfig,
  first?: { readonly now: Date; readonly made: (kid: string) => void },
): KeyProvider {
  if (config.signingKeys !== null) return keysFromEnvironment('SIGNING_KEYS', config.signingKeys)
  if (config.signingP12.length > 0)
    return keysFromPkcs12(
      config.signingP12.map((file) => resolve(file)),
      config.signingP12Password,
    )
  const ring = openKeyRing(resolve(config.keysDir))
  if (first !== undefined && ring.list().length === 0) {
    const kid = ring.generateFirst(config.signingAlg, first.now)
    if (kid !== null) first.made(kid)
  }
  return ring
}
