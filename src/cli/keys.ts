import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { readConfig } from '../config.ts'
import { isDemoCertificate, makeDemoCertificates } from '../signing/demo-certificates.ts'
import { type Algorithm, algorithms, type KeyRing, openKeyRing } from '../signing/key-ring.ts'
import { Pkcs12Error, readPkcs12 } from '../signing/pkcs12.ts'
import { print } from './store.ts'

export function registerKeyCommands(program: Command): void {
  program
    .command('certs')
    .description('certificates')
    .command('demo')
    .description('make the demo PKI in certs-example/out')
    .action(() => {
      for (const name of makeDemoCertificates('certs-example/out', new Date())) print(`certs-example/out/${name}`)
    })
  const keys = program
    .command('keys')
    .description('signing keys of the gateway; a running gateway takes changes over within a minute')
  keys
    .command('list')
    .description('id, algorithm, state and age')
    .action(() => {
      for (const { kid, alg, state, createdAt } of ring().list())
        print(`${kid}  ${alg.padEnd(6)} ${state.padEnd(8)} ${createdAt}`)
    })
  keys
    .command('generate')
    .description('make the next key; it is published at once and signs after a rotation')
    .addOption(new Option('--alg <name>', 'algorithm').choices([...algorithms]).default('ES256'))
    .action(async ({ alg }: { alg: Algorithm }) => print(await ring().generate(alg, new Date())))
  keys
    .command('rotate')
    .description('the next key signs, the active one is retired and stays verifiable')
    .action(async () => print(await ring().rotate(new Date())))
  keys
    .command('import <file>')
    .description('take the key of a PKCS#12 file as the next key; its password comes from the variable P12_PASSWORD')
    .action(async (file: string) => {
      const { privateKey, certificate } = readPkcs12(await readFile(file), process.env.P12_PASSWORD ?? '')
      const config = readConfig(process.env)
      if (config.mode === 'production' && isDemoCertificate(certificate))
        throw new Pkcs12Error(`${certificate.subject.replaceAll('\n', ', ')}: demo keys are refused in production`)
      print(await ring().add(privateKey, new Date()))
    })
  keys
    .command('revoke <kid>')
    .description('nothing signed with this key verifies any more')
    .action((kid: string) => ring().revoke(kid))
}

function ring(): KeyRing {
  return openKeyRing(resolve(readConfig(process.env).keysDir))
}
