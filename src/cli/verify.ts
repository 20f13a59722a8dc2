import type { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { provenReceipt, verifyProvenReceipt } from '../journal/proof.ts'
import { readCertificates } from '../signing/certificates.ts'
import { type CmsFlaw, verifyCms } from '../signing/cms-verify.ts'
import { type KeyFinder, keysOfJwks } from '../signing/compact-jws.ts'
import { readCrl } from '../signing/crl.ts'
import { openKeys } from '../signing/open-keys.ts'
import { type DocumentFlaw, verifyDocument } from '../signing/verify-document.ts'
import { FileError, print, readJson } from './store.ts'

type VerifyOptions = { jwks?: string; content?: string; ca?: string; crl: string[]; at?: string }

const explanations: Readonly<Record<DocumentFlaw, string>> = {
  'not-a-document': 'not an invoice, receipt or event of a gateway',
  'unknown-key': 'signed by a key that is not in the set: of another gateway, or revoked',
  'body-missing': 'the signature stands alone: give what it covers with --content',
  changed: 'changed, or signed by another key',
  'not-a-json-object': 'signed, but its content is no unambiguous JSON object',
}

const cmsExplanations: Readonly<Record<CmsFlaw, string>> = {
  malformed: 'no CMS signature in DER or PEM with one signer and signed attributes',
  'content-inside': 'the file carries its content: leave --content out',
  'content-missing': 'the signature stands alone: give what it covers with --content',
  'certificate-missing': "the signer's certificate is not in the file",
  changed: 'changed, or signed by another key',
  'signing-time': 'the time of signing is in the future or outside the life of the certificate',
  unreadable: 'a certificate cannot be read',
  'unknown-issuer': 'no way leads from the signer to an authority in --ca',
  expired: 'a certificate has ended: to ask about an earlier day give --at',
  'not-yet-valid': 'a certificate has not begun',
  'wrong-purpose': 'the certificate is not for signing documents',
  'not-an-authority': 'a certificate was issued by one that may not issue any',
  weak: 'an algorithm or key that is not believed (SHA-1, short keys)',
  'not-understood': 'a certificate has limits that are not understood',
  revoked: 'a certificate is revoked',
  'crl-missing': 'no revocation list of an issuer is in --crl',
  'crl-stale': 'the revocation list is not current',
}

export function registerVerifyCommand(program: Command): void {
  program
    .command('verify <file>')
    .description(
      'check a signed invoice, receipt or event, a receipt with its proof (JSON), or a CMS signature (.p7s) offline; exit 1 when anything was changed',
    )
    .option('--jwks <file>', "the gateway's keys as saved from /.well-known/jwks.json; its own keys when left out")
    .option('--content <file>', 'what a detached signature covers: the body of a webhook, the document beside a .p7s')
    .option('--ca <file>', 'PEM bundle of the authorities that are believed; makes the file a CMS signature')
    .option('--crl <file...>', 'revocation lists; when given, every certificate needs a current one', [])
    .option('--at <time>', 'the time at which certificates must hold (RFC 3339); now when left out')
    .action(async (file: string, options: VerifyOptions) => {
      const bytes = await readFile(file)
      const content = options.content === undefined ? null : await readFile(options.content)
      if (options.ca === undefined && isCms(bytes))
        throw new FileError('a CMS signature is checked against authorities: give them with --ca')
      const text = bytes.toString('utf8').trim()
      if (options.ca === undefined && text.startsWith('{'))
        verifyProof(await readJson(file), await findKeys(options.jwks))
      else if (options.ca === undefined) verifyJws(text, await publishedKeys(options.jwks), content)
      else await verifyP7s(bytes, content, options.ca, options)
    })
}

/** A DER SEQUENCE, or PEM; a JWS begins with a letter and has no dashes. */
function isCms(bytes: Buffer): boolean {
  return bytes[0] === 0x30 || bytes.subarray(0, 1000).includes('-----BEGIN ')
}

async function verifyP7s(
  bytes: Uint8Array,
  content: Uint8Array | null,
  ca: string,
  { crl, at }: VerifyOptions,
): Promise<void> {
  const time = at === undefined ? new Date() : new Date(at)
  if (Number.isNaN(time.getTime())) throw new FileError(`--at: ${at} is not a time`)
  const crls = await Promise.all(crl.map(async (name) => readCrl(await readFile(name))))
  const verdict = verifyCms(bytes, content, {
    roots: readCertificates(await readFile(ca)),
    ...(crls.length === 0 ? {} : { crls }),
    at: time,
  })
  if (!verdict.ok) {
    print(`NOT VALID: ${cmsExplanations[verdict.reason]}`)
    process.exitCode = 1
    return
  }
  const { signer, chain, signedAt } = verdict
  print(`VALID CMS signature, signed ${signedAt.toISOString()} (the signer's own clock)`)
  print(`signer  ${nameOf(signer)}`)
  print(`serial  ${signer.serialNumber}, until ${signer.validToDate.toISOString()}`)
  for (const authority of chain.slice(1)) print(`under   ${nameOf(authority)}`)
}

function nameOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ')
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

/** Keys of a saved set, or the gateway's own. */
export async function findKeys(jwks: string | undefined): Promise<KeyFinder> {
  return keysOfJwks(await publishedKeys(jwks))
}

async function publishedKeys(jwks: string | undefined): Promise<{ keys: readonly unknown[] }> {
  if (jwks === undefined) return openKeys(readConfig(process.env)).publicJwks()
  const value = await readJson(jwks)
  if (typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys))
    return { keys: value.keys }
  throw new FileError('the JWKS file must hold {"keys":[…]}')
}
