import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { openKeys } from '../signing/open-keys.ts'
import { type DocumentFlaw, verifyDocument } from '../signing/verify-document.ts'
import { FileError, print, readJson } from './store.ts'

type VerifyOptions = { jwks?: string; content?: string }

const explanations: Readonly<Record<DocumentFlaw, string>> = {
  'not-a-document': 'not an invoice, receipt or event of a gateway',
  'unknown-key': 'signed by a key that is not in the set: of another gateway, or revoked',
  'body-missing': 'the signature stands alone: give what it covers with --content',
  changed: 'changed, or signed by another key',
  'not-a-json-object': 'signed, but its content is no unambiguous JSON object',
}

export function registerVerifyCommand(program: Command): void {
  program
    .command('verify <file>')
    .description('check a signed invoice, receipt or event offline; exit 1 when anything was changed')
    .option('--jwks <file>', "the gateway's keys as saved from /.well-known/jwks.json; its own keys when left out")
    .option('--content <file>', 'what a detached signature covers: the body of a webhook')
    .action(async (file: string, options: VerifyOptions) => {
      const text = await readFile(file, 'utf8')
      const content = options.content === undefined ? null : await readFile(options.content)
      verifyJws(text, await keysOf(options), content)
    })
}

function verifyJws(text: string, jwks: { keys: readonly unknown[] }, content: Uint8Array | null): void {
  const verdict = verifyDocument(text, jwks, content)
  if (!verdict.valid) {
    print(`NOT VALID: ${explanations[verdict.reason]}${verdict.kid === null ? '' : ` (key ${verdict.kid})`}`)
    process.exitCode = 1
    return
  }
  const { kind, kid, keyState, document } = verdict
  print(`VALID feegate-${kind}+jws, key ${kid}${keyState === null ? '' : ` (${keyState})`}`)
  print(JSON.stringify(document, null, 2))
}

async function keysOf({ jwks }: VerifyOptions): Promise<{ keys: readonly unknown[] }> {
  if (jwks === undefined) return openKeys(readConfig(process.env)).publicJwks()
  const value = await readJson(jwks)
  if (typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys))
    return { keys: value.keys }
  throw new FileError('the JWKS file must hold {"keys":[…]}')
}
