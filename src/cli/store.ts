import { readFile } from 'node:fs/promises'
import { readConfig } from '../config.ts'
import { realEnvironment } from '../environment.ts'
import { createLogger } from '../log.ts'
import { openVault } from '../secrets/open-vault.ts'
import type { Vault } from '../secrets/vault.ts'
import { openStore } from '../serve.ts'
import type { Database, Transaction } from '../store/database.ts'

/** Runs one transaction on the configured store (next to a running gateway or alone) and closes it again. */
export async function withStore<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result> {
  return await withDatabase((database) => database.transaction(work))
}

/** The configured store and the vault of its secrets. */
export async function withDatabase<Result>(
  work: (database: Database, vault: Vault) => Promise<Result>,
): Promise<Result> {
  const config = readConfig(process.env)
  const vault = openVault(config, realEnvironment.random)
  const store = await openStore(config, createLogger(config.logLevel === 'info' ? 'warn' : config.logLevel))
  try {
    return await work(store.database, vault)
  } finally {
    await store.close()
  }
}

export class FileError extends Error {
  readonly code = 'FILE'
}

export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new FileError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** Who acts from the command line, for the journal. */
export const cliActor = 'operator:cli'

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
