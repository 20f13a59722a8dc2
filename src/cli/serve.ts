import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { createLogger } from '../log.ts'
import { openStore, startServing } from '../serve.ts'
import { registerSandboxCommand } from './sandbox.ts'

export function registerServeCommands(program: Command): void {
  program
    .command('serve')
    .description('run the gateway (settings: README, "Configuration")')
    .action(async () => {
      const config = readConfig(process.env)
      const log = createLogger(config.logLevel)
      const running = await startServing(config, log)
      await untilStopped()
      await running.stop()
    })
  program
    .command('migrate')
    .description('bring the database to the newest schema and stop')
    .action(async () => {
      const config = readConfig(process.env)
      const store = await openStore(config, createLogger(config.logLevel))
      await store.close()
    })
  registerSandboxCommand(program)
  program
    .command('demo')
    .description('run the whole of it: gateway, banks, dossier system, three fees paid, three attacks refused')
    .option('--once', 'stop afterwards; exit 0 only if all of it was true')
    .action(async (options: { once?: boolean }) => {
      const { runDemo } = await import('../sandbox/demo/run.ts')
      process.exitCode = (await runDemo({ once: options.once === true })) ? 0 : 1
    })
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.once('SIGINT', () => process.exit(130))
      process.once('SIGTERM', () => process.exit(143))
      resolve()
    }
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
  })
}
