/** The vault of this installation: master keys from the variable, from a file, or, in the sandbox only, made here. */
import { join, resolve } from 'node:path'
import type { Config } from '../config.ts'
import { makeMasterKeyFile, masterKeysInFile, masterKeysOf, type Random } from './master-keys.ts'
import { createVault, type Vault } from './vault.ts'

export type VaultConfig = Pick<Config, 'keysDir' | 'masterKeys' | 'masterKeysFile'>

export function openVault(config: VaultConfig, random: Random, made: (path: string) => void = () => {}): Vault {
  if (config.masterKeys !== null)
    return createVault({ masterKeys: masterKeysOf(config.masterKeys, 'MASTER_KEYS', random), random })
  const path = masterKeyFileOf(config)
  // Production has named its file (config.ts refuses to start otherwise); a file that is missing there is a fault, not a wish.
  if (config.masterKeysFile === null && makeMasterKeyFile(path, 'sandbox-1', random)) made(path)
  return createVault({ masterKeys: masterKeysInFile(path, random), random })
}

export function masterKeyFileOf({ keysDir, masterKeysFile }: Omit<VaultConfig, 'masterKeys'>): string {
  return masterKeysFile === null ? join(resolve(keysDir), 'master-keys') : resolve(masterKeysFile)
}
