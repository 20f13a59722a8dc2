/** `feegate`: every command of the operator. Each does one thing and prints something worth reading. */
import { Command } from 'commander'
import { ConfigError } from '../config.ts'
import { Problem } from '../problem/problem.ts'
import { registerAgencyCommands } from './agencies.ts'
import { registerCatalogueCommands } from './catalogue.ts'
import { registerCertificateCommands } from './certificates.ts'
import { registerClientCommands } from './clients.ts'
import { registerJournalCommands } from './journal.ts'
import { registerKeyCommands } from './keys.ts'
import { registerPersonalCommands } from './personal.ts'
import { registerReconcileCommands } from './reconcile.ts'
import { registerSecretCommands } from './secrets.ts'
import { registerServeCommands } from './serve.ts'
import { registerStatementCommands } from './statements-command.ts'
import { registerVerifyCommand } from './verify.ts'

export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('feegate')
    .description('Payment gateway between public-service portals and banks')
    .showHelpAfterError()
  registerServeCommands(program)
  registerCatalogueCommands(program)
  registerClientCommands(program)
  registerKeyCommands(program)
  registerCertificateCommands(program)
  registerSecretCommands(program)
  registerAgencyCommands(program)
  registerJournalCommands(program)
  registerPersonalCommands(program)
  registerVerifyCommand(program)
  registerStatementCommands(program)
  registerReconcileCommands(program)
  try {
    await program.parseAsync([...argv])
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`)
    process.exitCode = 1
  }
}

function explain(error: unknown): string {
  if (error instanceof Problem) {
    return [error.detailEn ?? error.message, ...error.errors.map(({ field, en }) => `  ${field}: ${en}`)].join('\n')
  }
  if (error instanceof ConfigError || (error instanceof Error && 'code' in error && typeof error.code === 'string'))
    return error.message
  // Not one of ours: the place it comes from helps.
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
