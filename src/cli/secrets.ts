import { statSync } from 'node:fs'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { realEnvironment } from '../environment.ts'
import { SecretError } from '../secrets/envelope.ts'
import { addMasterKey, dropMasterKey } from '../secrets/master-keys.ts'
import { masterKeyFileOf } from '../secrets/open-vault.ts'
import { masterKeyUse, rewrapAll } from '../secrets/rewrap.ts'
import { sealPlain } from '../serve.ts'
import { print, withDatabase } from './store.ts'

/** Longer than any replica takes to read the file again. */
const fileSettledMs = 2 * 60 * 1000

export function registerSecretCommands(program: Command): void {
  const secrets = program
    .command('secrets')
    .description(
      "secrets at rest: rail accounts', webhooks' and agencies', each under a data key, those under a master key",
    )
  secrets
    .command('list')
    .description('master keys, the one that wraps first, and how many data keys stand under each')
    .action(() =>
      withDatabase(async (database, vault) => {
        const use = await masterKeyUse(database)
        for (const [index, id] of vault.masterKeys.ids().entries())
          print(`${id.padEnd(16)} ${index === 0 ? 'wraps ' : 'opens '} ${use.get(id) ?? 0}`)
        for (const [id, count] of use)
          if (!vault.masterKeys.ids().includes(id)) print(`${id.padEnd(16)} MISSING ${count}`)
      }),
    )
  secrets
    .command('rotate')
    .description('put a new master key first in the file; running gateways take it over, then run "secrets rewrap"')
    .option('--id <id>', 'its name', `m${new Date().toISOString().slice(0, 10)}`)
    .action(({ id }: { id: string }) => {
      addMasterKey(fileOf(), id, realEnvironment.random)
      print(`${id} wraps from now on`)
    })
  secrets
    .command('rewrap')
    .description('put every data key under the master key that wraps; the gateway goes on serving')
    .action(() =>
      withDatabase(async (database, vault) => {
        const sealed = await sealPlain(database, vault)
        if (sealed > 0) print(`${sealed} plain rows sealed`)
        const results = await rewrapAll(database, vault, (ms) => realEnvironment.sleep(ms))
        for (const { kind, rows, left } of results)
          print(`${kind.padEnd(18)} ${rows} re-wrapped${left === 0 ? '' : `, ${left} were busy: run it again`}`)
        if (results.some(({ left }) => left > 0)) process.exitCode = 1
      }),
    )
  secrets
    .command('drop <id>')
    .description('take a master key that nothing stands under out of the file')
    .action((id: string) =>
      withDatabase(async (database) => {
        const file = fileOf()
        // A replica that has not read the file again could still wrap with this key.
        if (Date.now() - statSync(file).mtimeMs < fileSettledMs)
          throw new SecretError(`${file} was changed a moment ago: wait ${fileSettledMs / 60_000} minutes`)
        const count = (await masterKeyUse(database)).get(id) ?? 0
        if (count > 0) throw new SecretError(`${count} data keys stand under ${id}: run "secrets rewrap" first`)
        dropMasterKey(file, id)
        print(`${id} is gone`)
      }),
    )
}

function fileOf(): string {
  const config = readConfig(process.env)
  if (config.masterKeys !== null) throw new SecretError('the master keys come from MASTER_KEYS: change them there')
  return masterKeyFileOf(config)
}
