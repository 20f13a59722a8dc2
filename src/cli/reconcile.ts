/** `feegate reconcile`: statement files in, runs, the check, and what reconciliation must be told (sources, terms, holidays). */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import type { Logger } from 'pino'
import { z } from 'zod'
import { readConfig } from '../config.ts'
import { realEnvironment } from '../environment.ts'
import { createLogger } from '../log.ts'
import { Problem } from '../problem/problem.ts'
import type { ImportResult } from '../reconciliation/import/file.ts'
import { receiveFile } from '../reconciliation/import/receive.ts'
import { checkReconciled } from '../reconciliation/invariant.ts'
import { reconcile } from '../reconciliation/run.ts'
import { readingForFile, readingOf, saveSource, statementSource } from '../reconciliation/sources.ts'
import { loadTerms, reconciliationTerms } from '../reconciliation/terms.ts'
import type { Vault } from '../secrets/vault.ts'
import { createSettler } from '../settlement/group.ts'
import { openTrust } from '../signing/certificate-trust.ts'
import type { Crl } from '../signing/crl.ts'
import { type Database, errorCode } from '../store/database.ts'
import { showProgress } from './progress.ts'
import { cliActor, print, readJson, withDatabase } from './store.ts'

type Store = {
  readonly database: Database
  readonly vault: Vault
  readonly log: Logger
  readonly signerCrls: () => readonly Crl[] | null
}

async function withStore(work: (store: Store) => Promise<void>): Promise<void> {
  const { logLevel, signerCrls: lists } = readConfig(process.env)
  const log = createLogger(logLevel === 'info' ? 'warn' : logLevel)
  const crls = lists.length === 0 ? null : openTrust({ authorities: [], crls: lists }).crls()
  await withDatabase((database, vault) => work({ database, vault, log, signerCrls: () => crls }))
}

const tenantOption = (): Option => new Option('--tenant <id>', 'whose accounts').makeOptionMandatory()

export function registerReconcileCommands(program: Command): void {
  const group = program.command('reconcile').description('statements in, every đồng explained')

  group
    .command('import <files...>')
    .description('book statement or settlement files, then reconcile; exit 1 when one is refused')
    .addOption(tenantOption())
    .option('--source <name>', 'how they are read; else by name and content')
    .option('--no-run', 'only book them')
    .action(async (files: string[], { tenant, source, run }: { tenant: string; source?: string; run: boolean }) => {
      await withStore(async (store) => {
        let booked = false
        for (const path of files) booked = (await importOne(store, tenant, path, source)) || booked
        if (run && booked) await runOnce(store, tenant)
      })
    })
  group
    .command('run')
    .description('match what is there and list what is left')
    .addOption(tenantOption())
    .action(async ({ tenant }: { tenant: string }) => {
      await withStore((store) => runOnce(store, tenant))
    })
  group
    .command('check')
    .description('I12: every line and payment in exactly one match or one break; exit 1 when not')
    .addOption(tenantOption())
    .action(async ({ tenant }: { tenant: string }) => {
      await withStore(async ({ database }) => {
        const violations = await checkReconciled(database.forTenant(tenant), tenant)
        for (const { what, id, detail } of violations) print(`${what} ${id}: ${detail}`)
        print(violations.length === 0 ? 'I12 holds' : `${violations.length} violations of I12`)
        if (violations.length > 0) process.exitCode = 1
      })
    })
  group
    .command('source <file>')
    .description('say how the files of a source are read: a new version of it')
    .addOption(tenantOption())
    .action(async (file: string, { tenant }: { tenant: string }) => {
      const source = parsed(statementSource, await readJson(file))
      await withStore(async ({ database }) => {
        const saved = await database
          .forTenant(tenant)
          .transaction((tx) => saveSource(tx, realEnvironment, tenant, source, cliActor))
        print(`source ${saved.name} is at version ${saved.version}`)
      })
    })
  group
    .command('terms <file>')
    .description('bank holidays, terms with rails and expected movements (format feegate-reconciliation/1)')
    .addOption(tenantOption())
    .action(async (file: string, { tenant }: { tenant: string }) => {
      const terms = parsed(reconciliationTerms, await readJson(file))
      await withStore(async ({ database }) => {
        await database.forTenant(tenant).transaction((tx) => loadTerms(tx, realEnvironment, tenant, terms, cliActor))
        print(
          `${terms.holidays.length} holidays, ${terms.railTerms.length} terms, ${terms.expectedMovements.length} expected movements`,
        )
      })
    })
}

class TermsError extends Error {
  readonly code = 'FILE_INVALID'
}

function parsed<Schema extends z.ZodType>(schema: Schema, data: unknown): z.output<Schema> {
  const result = schema.safeParse(data)
  if (!result.success) throw new TermsError(z.prettifyError(result.error))
  return result.data
}

/** True when it brought lines. */
async function importOne(
  { database, vault, signerCrls }: Store,
  tenantId: string,
  path: string,
  source: string | undefined,
): Promise<boolean> {
  const name = basename(path)
  const { query } = database.forTenant(tenantId)
  const reading =
    source === undefined ? await readingForFile(query, tenantId, name) : await readingOf(query, tenantId, source)
  const progress = showProgress(name, process.stderr)
  let result: ImportResult
  try {
    result = await receiveFile(
      { database, environment: realEnvironment, vault, signerCrls, onProgress: progress.lines },
      { tenantId, path, name, origin: 'COMMAND', actor: cliActor, source: reading, signature: await signatureOf(path) },
    )
  } catch (error) {
    if (!(error instanceof Problem && error.code === 'STATEMENT_NOT_SIGNED')) throw error
    process.exitCode = 1
    process.stderr.write(`${name}: ${error.code}: ${error.message}\n`)
    return false
  } finally {
    progress.stop()
  }
  switch (result.status) {
    case 'IMPORTED':
      print(`${name}: ${result.counts.booked} lines booked, ${result.counts.known} known before (${result.fileId})`)
      return true
    case 'KNOWN':
      print(`${name}: on record already (${result.fileId})`)
      return false
    case 'REFUSED': {
      process.exitCode = 1
      process.stderr.write(`${name}: ${result.refusal.code}: ${result.refusal.message}\n`)
      for (const { line, message } of result.refusal.problems)
        process.stderr.write(`  line ${line ?? '-'}: ${message}\n`)
      return false
    }
  }
}

/** Beside the file, as banks lay it; null when there is none. */
async function signatureOf(path: string): Promise<Buffer | null> {
  try {
    return await readFile(`${path}.p7s`)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null
    throw error
  }
}

async function runOnce({ database, log }: Store, tenantId: string): Promise<void> {
  const settler = createSettler({ database, environment: realEnvironment })
  const onStep = (step: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`  ${step}…\n`)
  }
  const { figures } = await reconcile(
    { database, environment: realEnvironment, settler, log, onStep },
    tenantId,
    cliActor,
  )
  await settler.close()
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none'
  print(`matched: ${list(figures.matched)}`)
  print(`settled from files: ${list(figures.settled)}`)
  print(`open breaks: ${list(figures.breaks)}`)
}
