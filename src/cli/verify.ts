import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { provenReceipt, verifyProvenReceipt } from '../journal/proof.ts'
import { claimedType, type KeyFinder, keysOfJwks, verifyCompact } from '../signing/compact-jws.ts'
import { openKeyRing } from '../signing/key-ring.ts'
import { print, readJson } from './store.ts'

export function registerVerifyCommand(program: Command): void {
  program
    .command('verify <file>')
    .description(
      'check a signed invoice, receipt or event, or a receipt with its proof (JSON), offline; exit 1 when anything was changed',
    )
    .option(
      '--jwks <file>',
      "the gateway's keys as saved from /.well-known/jwks.json; its own key folder when left out",
    )
    .action(async (file: string, { jwks }: { jwks?: string }) => {
      const text = (await readFile(file, 'utf8')).trim()
      const find = await findKeys(jwks)
      if (text.startsWith('{')) {
        verifyProof(await readJson(file), find)
        return
      }
      const type = claimedType(text)
      const verified = type === null || type === 'at+jwt' ? null : verifyCompact(text, type, find)
      if (verified === null) {
        print('NOT VALID: changed, signed by another key, or not one of our documents')
        process.exitCode = 1
        return
      }
      print(`VALID ${verified.typ}, key ${verified.kid}`)
      print(JSON.stringify(JSON.parse(verified.payload.toString('utf8')), null, 2))
    })
}

/** Keys of a saved set, or of the gateway's own folder. */
export async function findKeys(jwks: string | undefined): Promise<KeyFinder> {
  return keysOfJwks(
    jwks === undefined
      ? openKeyRing(resolve(readConfig(process.env).keysDir)).publicJwks()
      : readKeys(await readJson(jwks)),
  )
}

function verifyProof(document: unknown, find: KeyFinder): void {
  const proven = provenReceipt.safeParse(document)
  const verdict = proven.success
    ? verifyProvenReceipt(proven.data, find)
    : ({ valid: false, reason: 'no receipt with its proof' } as const)
  if (!verdict.valid) {
    print(`NOT VALID: ${verdict.reason}`)
    process.exitCode = 1
    return
  }
  print(`VALID receipt, in batch ${verdict.batch} of the journal, sealed ${verdict.sealedAt.toISOString()}`)
  print(JSON.stringify(verdict.receipt, null, 2))
}

function readKeys(value: unknown): { keys: readonly unknown[] } {
  if (typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys))
    return { keys: value.keys }
  throw new Error('the JWKS file must hold {"keys":[…]}')
}
