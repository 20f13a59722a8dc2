import { randomBytes } from 'node:crypto'
import { masterKeysOf } from '../../src/secrets/master-keys.ts'
import { createVault, type Vault } from '../../src/secrets/vault.ts'

/** A vault with a master key of the test's own, or with those given as `id:base64`. */
export function testVault(keys: string = aMasterKey('test-1')): Vault {
  return createVault({ masterKeys: masterKeysOf(keys, 'the test', randomBytes), random: randomBytes })
}

export function aMasterKey(id: string): string {
  return `${id}:${randomBytes(32).toString('base64')}`
}
