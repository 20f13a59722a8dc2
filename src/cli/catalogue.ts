import type { Command } from 'commander'
import { loadCatalogue } from '../catalogue/load.ts'
import { readConfig } from '../config.ts'
import { loadDirectory } from '../directory/load.ts'
import { realEnvironment } from '../environment.ts'
import { cliActor, print, readJson, withDatabase, withStore } from './store.ts'

export function registerCatalogueCommands(program: Command): void {
  program
    .command('directory')
    .description('tenants, agencies, beneficiary and rail accounts, routing rules')
    .command('load <file>')
    .description('load a directory file (format feegate-directory/1)')
    .action(async (file: string) => {
      const data = await readJson(file)
      const { tenantId, routing } = await withDatabase((database, vault) =>
        database.transaction((tx) => loadDirectory(tx, realEnvironment, data, cliActor, vault)),
      )
      print(`directory of ${tenantId} loaded`)
      for (const [what, ids] of Object.entries(routing ?? {})) {
        if (ids.length > 0) print(`routing ${what}: ${ids.join(', ')}`)
      }
    })
  program
    .command('catalogue')
    .description('fee catalogue')
    .command('load <file>')
    .description('load a catalogue file (format feegate-catalogue/1): all of it or nothing')
    .requiredOption('--tenant <id>', 'tenant whose catalogue it becomes')
    .action(async (file: string, { tenant }: { tenant: string }) => {
      const data = await readJson(file)
      const refuseIllustrative = readConfig(process.env).mode === 'production'
      const load = await withStore((tx) =>
        loadCatalogue(tx, realEnvironment, { tenantId: tenant, actor: cliActor, data, refuseIllustrative }),
      )
      print(
        load.alreadyLoaded
          ? `catalogue ${load.version} was loaded before: nothing to do`
          : `catalogue ${load.version}${load.illustrative ? ' (ILLUSTRATIVE)' : ''}: ${load.procedures} procedures, ${load.changed} rates new or changed, ${load.withdrawn} withdrawn`,
      )
    })
}
