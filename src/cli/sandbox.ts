import { type Command, InvalidArgumentError, Option } from 'commander'

type SandboxCommandOptions = {
  gateway: string
  webhookSecret?: string
  folder: string
  port: number
  host: string
  directory?: string
  tenant?: string
  agency: string
  beneficiary: string
}

export function registerSandboxCommand(program: Command): void {
  program
    .command('sandbox')
    .description('run the partner simulators and print the rail accounts that let a gateway speak with them')
    .addOption(new Option('--gateway <url>', 'where callbacks go').env('GATEWAY_URL').default('http://127.0.0.1:8080'))
    .addOption(
      new Option('--webhook-secret <secret>', 'of the registered endpoint; the dossier page takes it too').env(
        'WEBHOOK_SECRET',
      ),
    )
    .addOption(new Option('--folder <path>', 'where the partners keep their keys').env('DATA_DIR').default('./data'))
    .addOption(
      new Option('--port <first>', 'first of fifteen ports; 0 takes free ones')
        .env('SANDBOX_PORT')
        .default(4100)
        .argParser(port),
    )
    .option('--host <address>', 'address to listen on; nothing here is protected', '127.0.0.1')
    .option('--directory <file>', 'write a whole directory file with all rail accounts')
    .option('--tenant <id>', 'tenant of the directory file and of officers (default: "ten_thanhhoa")')
    .option('--agency <code>', 'agency the fees are for', 'H56.14')
    .option('--beneficiary <id>', 'beneficiary account of the rail accounts', 'bac_stp-fees')
    .action(async (options: SandboxCommandOptions) => {
      const { runSandbox } = await import('../sandbox/run.ts')
      const {
        gateway,
        port: firstPort,
        directory,
        webhookSecret,
        agency,
        beneficiary,
        tenant = 'ten_thanhhoa',
      } = options
      await runSandbox({
        ...{ gatewayUrl: gateway, folder: options.folder, host: options.host, firstPort, tenant },
        place: { agencyCode: agency, beneficiaryAccountId: beneficiary },
        ...(webhookSecret === undefined ? {} : { webhookSecret }),
        ...(directory === undefined ? {} : { directoryFile: directory }),
      })
    })
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_000) throw new InvalidArgumentError('not a port')
  return value
}
