import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { importSigner, listSigners } from '../agencies/signers.ts'
import { readConfig } from '../config.ts'
import { realEnvironment } from '../environment.ts'
import { subjectOf } from '../signing/certificate-rule.ts'
import { readPkcs12 } from '../signing/pkcs12.ts'
import { cliActor, print, withDatabase } from './store.ts'

export function registerAgencyCommands(program: Command): void {
  const agencies = program.command('agencies').description('certificates with which agencies sign documents (CMS)')
  agencies
    .command('sign-with <agency> <file>')
    .description(
      'sign for this agency with a PKCS#12 file from now on; its password comes from the variable P12_PASSWORD',
    )
    .action(async (agencyCode: string, file: string) => {
      const store = readPkcs12(await readFile(file), process.env.P12_PASSWORD ?? '')
      const refuseDemo = readConfig(process.env).mode === 'production'
      const { id } = await withDatabase((database, vault) =>
        database.transaction((tx) =>
          importSigner(tx, realEnvironment, vault, { agencyCode, store, refuseDemo }, cliActor),
        ),
      )
      print(`${id} signs for ${agencyCode} until ${store.certificate.validToDate.toISOString()}`)
    })
  agencies
    .command('list')
    .description('who signs for which agency, and until when')
    .action(() =>
      withDatabase(async (database) => {
        for (const { agencyCode, id, status, certificate } of await listSigners(database))
          print(
            `${agencyCode.padEnd(12)} ${status.padEnd(7)} ${certificate.validToDate.toISOString()}  ${id}  ${subjectOf(certificate)}`,
          )
      }),
    )
}
