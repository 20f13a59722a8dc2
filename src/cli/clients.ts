import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { signAssertion } from '../clients/assertion.ts'
import { addClient, rotateClientKey } from '../clients/manage.ts'
import { scopes } from '../clients/scopes.ts'
import { realEnvironment } from '../environment.ts'
import { cliActor, print, readJson, withStore } from './store.ts'

type KeyOptions = { jwk?: string; newKey?: string }

export function registerClientCommands(program: Command): void {
  const clients = program.command('clients').description('portals that may call')
  clients
    .command('add')
    .description('register a portal with its public key')
    .requiredOption('--tenant <id>', 'tenant it belongs to')
    .requiredOption('--name <text>', 'what people call it')
    .option('--scopes <list>', 'comma-separated', scopes.join(','))
    .option('--agencies <list>', 'comma-separated agency codes; all of the tenant when left out')
    .option('--return-origins <list>', 'comma-separated origins its returnUrl may have')
    .option('--per-minute <count>', 'requests per minute', '600')
    .option('--jwk <file>', 'public JWK of the portal')
    .option('--new-key <file>', 'make a key pair here: the private JWK goes to this file, for the portal only')
    .action(
      async (
        options: KeyOptions & {
          tenant: string
          name: string
          scopes: string
          agencies?: string
          returnOrigins?: string
          perMinute: string
        },
      ) => {
        const jwk = await keyOf(options)
        const { clientId, kid } = await withStore((tx) =>
          addClient(
            tx,
            realEnvironment,
            {
              tenantId: options.tenant,
              name: options.name,
              scopes: list(options.scopes),
              agencyCodes: list(options.agencies),
              returnOrigins: list(options.returnOrigins),
              requestsPerMinute: Number(options.perMinute),
              jwk,
            },
            cliActor,
          ),
        )
        print(`client ${clientId}\nkey    ${kid}`)
      },
    )
  clients
    .command('rotate <client>')
    .description('add a new key; the one before works for seven more days')
    .option('--jwk <file>', 'new public JWK')
    .option('--new-key <file>', 'make a key pair here: the private JWK goes to this file')
    .action(async (clientId: string, options: KeyOptions) => {
      const jwk = await keyOf(options)
      const { kid } = await withStore((tx) => rotateClientKey(tx, realEnvironment, clientId, jwk, cliActor))
      print(`client ${clientId}\nkey    ${kid}`)
    })
  registerAssertion(clients)
}

function registerAssertion(clients: Command): void {
  clients
    .command('assertion <client>')
    .description('print an assertion that gets one token within a minute, as the portal would make it')
    .requiredOption('--key <file>', 'private JWK of the portal')
    .option('--audience <url>', 'token address of the gateway', 'http://127.0.0.1:8080/oauth/token')
    .action(async (clientId: string, { key, audience }: { key: string; audience: string }) => {
      print(await signAssertion(realEnvironment, { jwk: await readJson(key), clientId, audience }))
    })
}

async function keyOf({ jwk, newKey }: KeyOptions): Promise<unknown> {
  if (jwk !== undefined) return await readJson(jwk)
  if (newKey === undefined) throw new Error('give --jwk <file> or --new-key <file>')
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await writeFile(newKey, `${JSON.stringify(privateKey.export({ format: 'jwk' }), null, 2)}\n`, {
    mode: 0o600,
    flag: 'wx',
  })
  return publicKey.export({ format: 'jwk' })
}

function list(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
