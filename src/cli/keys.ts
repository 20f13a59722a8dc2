import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { readConfig } from '../config.ts'
import { type Algorithm, algorithms, type KeyRing, openKeyRing } from '../signing/key-ring.ts'
import { print } from './store.ts'

export function registerKeyCommands(program: Command): void {
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
    .command('revoke <kid>')
    .description('nothing signed with this key verifies any more')
    .action((kid: string) => ring().revoke(kid))
}

function ring(): KeyRing {
  return openKeyRing(resolve(readConfig(process.env).keysDir))
}
