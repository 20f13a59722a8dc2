import type { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { dayMs, isUrgent, stageOf } from '../endings/ending.ts'
import { endingsOfFiles, endingsOfKeys } from '../endings/of-files.ts'
import { endingsOfStore } from '../endings/of-store.ts'
import { subjectOf } from '../signing/certificate-rule.ts'
import { isDemoCertificate, readCertificates, spkiPin } from '../signing/certificates.ts'
import { makeDemoCertificates } from '../signing/demo-certificates.ts'
import { openKeys } from '../signing/open-keys.ts'
import { readPkcs12 } from '../signing/pkcs12.ts'
import { print, withDatabase } from './store.ts'

export function registerCertificateCommands(program: Command): void {
  const certificates = program.command('certs').description('certificates')
  certificates
    .command('demo')
    .description('make the demo PKI: authorities, a server, banks, an agency, and what must be refused')
    .option('--out <folder>', 'where', 'certs-example/out')
    .action(({ out }: { out: string }) => {
      for (const name of makeDemoCertificates(out, new Date())) print(`${out}/${name}`)
    })
  certificates
    .command('show <file>')
    .description('name, dates and pins of the certificates in a PEM, DER or PKCS#12 file (password: P12_PASSWORD)')
    .action(async (file: string) => {
      for (const [index, certificate] of (await certificatesIn(file)).entries()) {
        if (index > 0) print('')
        show(certificate)
      }
    })
  certificates
    .command('check')
    .description('what is in use and ends, soonest first; exit 1 when something has ended or must be renewed this week')
    .action(() =>
      withDatabase(async (database) => {
        const now = new Date()
        const config = readConfig(process.env)
        const found = [
          ...endingsOfFiles(config),
          ...endingsOfKeys(openKeys(config)),
          ...(await endingsOfStore(database)),
        ].sort((a, b) => (a.endsAt?.getTime() ?? Infinity) - (b.endsAt?.getTime() ?? Infinity))
        for (const { kind, name, endsAt, isDemo } of found) {
          const days = endsAt === null ? '-' : String(Math.floor((endsAt.getTime() - now.getTime()) / dayMs))
          const stage = stageOf({ kind, endsAt }, now)
          const note = stage === 'quiet' ? '' : stage === 'ended' ? '  ENDED' : '  renew'
          print(`${days.padStart(6)} days  ${kind.padEnd(11)}  ${name}${isDemo ? '  DEMO' : ''}${note}`)
        }
        if (found.some((ending) => isUrgent(stageOf(ending, now)))) process.exitCode = 1
      }),
    )
}

async function certificatesIn(file: string): Promise<readonly X509Certificate[]> {
  const bytes = await readFile(file)
  if (!/\.(p12|pfx)$/i.test(file)) return readCertificates(bytes)
  const { certificate, others } = readPkcs12(bytes, process.env.P12_PASSWORD ?? '')
  return [certificate, ...others]
}

function show(certificate: X509Certificate): void {
  const lines: [string, string][] = [
    ['subject', subjectOf(certificate)],
    ['issuer', certificate.issuer.replaceAll('\n', ', ')],
    ['serial', certificate.serialNumber],
    ['valid', `${certificate.validFromDate.toISOString()} to ${certificate.validToDate.toISOString()}`],
    // As directory files name it, for the certificate itself or as an authority's.
    ['spki', spkiPin(certificate)],
    ['uses', (certificate.keyUsage ?? ['any']).join(' ')],
  ]
  for (const [name, value] of lines) print(`${name.padEnd(8)} ${value}`)
  if (isDemoCertificate(certificate)) print('DEMO     refused in production')
}
