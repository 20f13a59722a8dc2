import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { readConfig } from '../config.ts'
import { isDemoCertificate } from '../signing/certificates.ts'
import type { KeyFacts } from '../signing/key-provider.ts'
import {
  type Algorithm,
  algorithms,
  type KeyRing,
  KeyRingError,
  mayRotateFrom,
  openKeyRing,
} from '../signing/key-ring.ts'
import { openKeys } from '../signing/open-keys.ts'
import { Pkcs12Error, readPkcs12 } from '../signing/pkcs12.ts'
import { readPrivateFile } from '../signing/private-file.ts'
import { print } from './store.ts'

export function registerKeyCommands(program: Command): void {
  const keys = program
    .command('keys')
    .description('signing keys of the gateway; a running gateway takes changes over at once')
  keys
    .command('list')
    .description('name, algorithm, state, age and id')
    .action(() => {
      for (const key of openKeys(readConfig(process.env)).list()) print(lineOf(key))
    })
  keys
    .command('generate')
    .description('make the next key; it is published at once and signs after a rotation')
    .addOption(new Option('--alg <name>', 'algorithm; SIGNING_ALG when left out').choices([...algorithms]))
    .option('--name <name>', 'what people call it')
    .action(async ({ alg, name }: { alg?: Algorithm; name?: string }) => {
      const config = readConfig(process.env)
      print(await ring().generate(alg ?? config.signingAlg, new Date(), name === undefined ? {} : { name }))
    })
  keys
    .command('rotate')
    .description('the next key signs, the active one is retired and stays verifiable')
    .option('--now', 'do not wait until the next key has been published for ten minutes (its holder is suspect)')
    .action(async ({ now = false }: { now?: boolean }) => print(await rotate(ring(), new Date(), now)))
  keys
    .command('import <file>')
    .description('take the key of a PKCS#12 file as the next key; its password comes from the variable P12_PASSWORD')
    .option('--name <name>', 'what people call it')
    .action(async (file: string, { name }: { name?: string }) => {
      const { privateKey, certificate } = readPkcs12(readPrivateFile(file), process.env.P12_PASSWORD ?? '')
      const isDemo = isDemoCertificate(certificate)
      if (isDemo && readConfig(process.env).mode === 'production')
        throw new Pkcs12Error(`${certificate.subject.replaceAll('\n', ', ')}: demo keys are refused in production`)
      const more = { endsAt: certificate.validToDate, isDemo, ...(name === undefined ? {} : { name }) }
      print(await ring().add(privateKey, new Date(), more))
    })
  keys
    .command('revoke <key>')
    .description('by id or name: nothing signed with this key verifies any more')
    .action((key: string) => ring().revoke(key))
}

/**
 * Signs with the next key. Portals and banks keep our key set for some minutes, so a key that was made just now has to wait.
 * @throws KeyRingError that says from when it may sign, unless `atOnce`
 */
async function rotate(keys: KeyRing, now: Date, atOnce: boolean): Promise<string> {
  if (atOnce) return await keys.rotate(now)
  if (!keys.list().some(({ state }) => state === 'next')) {
    const alg = keys.list().find(({ state }) => state === 'active')?.alg ?? readConfig(process.env).signingAlg
    await keys.generate(alg, now)
  }
  const from = mayRotateFrom(keys.list())
  if (from !== null && from > now)
    throw new KeyRingError(
      `the next key is published and may sign from ${from.toISOString()}, when everybody has it: rotate again then, or with --now`,
    )
  return await keys.rotate(now)
}

function lineOf({ kid, name, alg, state, createdAt, endsAt, isDemo }: KeyFacts): string {
  const more = [endsAt === null ? '' : `ends ${endsAt}`, isDemo ? 'DEMO' : ''].filter((text) => text !== '')
  return [name.padEnd(12), alg.padEnd(5), state.padEnd(7), createdAt ?? '-', kid, ...more].join('  ')
}

function ring(): KeyRing {
  const config = readConfig(process.env)
  if (config.signingKeys !== null || config.signingP12.length > 0)
    throw new KeyRingError('the keys come from SIGNING_KEYS or SIGNING_P12: change them there')
  return openKeyRing(resolve(config.keysDir))
}
