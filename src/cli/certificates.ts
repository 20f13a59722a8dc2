import type { Command } from 'commander'
import { makeDemoCertificates } from '../signing/demo-certificates.ts'
import { print } from './store.ts'

export function registerCertificateCommands(program: Command): void {
  const certificates = program.command('certs').description('certificates')
  certificates
    .command('demo')
    .description('make the demo PKI: authorities, a server, banks, an agency, and what must be refused')
    .option('--out <folder>', 'where', 'certs-example/out')
    .action(({ out }: { out: string }) => {
      for (const name of makeDemoCertificates(out, new Date())) print(`${out}/${name}`)
    })
}
