/** Files of a bank that signs them: taken from the watched folder only with its signature beside them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { realEnvironment } from '../../src/environment.ts'
import { createDesk } from '../../src/reconciliation/desk.ts'
import { saveSource, statementSource } from '../../src/reconciliation/sources.ts'
import { watchFolder } from '../../src/reconciliation/watched-folder.ts'
import { spkiPin } from '../../src/signing/certificates.ts'
import { readCrl } from '../../src/signing/crl.ts'
import { callApi, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'
import { type Party, testPki, uses } from '../harness/pki.ts'
import { house } from '../harness/process.ts'
import { seedTenant } from '../harness/seed.ts'
import { testVault } from '../harness/vault.ts'
import { accountNumber, mt940, payDay, reconciliationStage } from './stage.ts'

// OpenSSL signs with the machine's time; the stage's clock is set to it.
const now = new Date()
const pki = testPki(t, now)
const root = pki.authority('root')
const bank = pki.leaf('bank', { issuer: root, extensions: uses.signing })
const other = pki.leaf('other-bank', { issuer: root, extensions: uses.signing })

const signingBank = statementSource.parse({
  kind: 'STATEMENT',
  name: 'signing-bank',
  filePattern: 'SGN-*',
  signedBy: { authorities: [root.certificate.toString()], signers: [{ spki: spkiPin(bank.certificate) }] },
})

async function watched(t: Test, crls: Buffer | null = null) {
  const { database, environment, settler, seeded } = await reconciliationStage(t, { rail: 'vietqr' })
  environment.set(now)
  const folder = t.testdir()
  const home = join(folder, seeded.tenantId)
  mkdirSync(home)
  await database.transaction((tx) => saveSource(tx, environment, seeded.tenantId, signingBank, 'test'))
  const log = pino({ level: 'silent' })
  const lists = crls === null ? null : [readCrl(crls)]
  const desk = createDesk({ database, environment, vault: testVault(), settler, log, signerCrls: () => lists })
  const one = watchFolder({ folder, database, environment, desk, log })
  const settle = async (): Promise<number> => {
    let dealt = await one.round()
    for (let look = 0; look < 2; look++) {
      environment.advance(10_000)
      dealt += await one.round()
    }
    return dealt
  }
  return { database, environment, home, settle }
}
let statements = 0
const statement = (): string =>
  mt940([{ amount: 9_000n, reference: `S${++statements}` }], {
    id: `${statements}/1`,
    day: payDay,
    account: accountNumber,
    currency: 'VND',
    opening: 0n,
  })
const sign = (party: Party, content: string): Buffer => {
  const signer = ['-signer', party.certificateFile, '-inkey', party.keyFile]
  return pki.openssl(['cms', '-sign', '-binary', '-in', pki.file('statement', content), '-outform', 'DER', ...signer])
}
const listed = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])
const linesIn = async ({ database }: Awaited<ReturnType<typeof watched>>): Promise<number> =>
  (await database.query('SELECT id FROM statement_lines', [])).length

t.test('a file waits for its signature, is booked with it, and both are kept together', async (t) => {
  const stage = await watched(t)
  const text = statement()
  writeFileSync(join(stage.home, 'SGN-1.sta'), text)
  t.equal(await stage.settle(), 0, 'nothing beside it yet')
  writeFileSync(join(stage.home, 'SGN-1.sta.p7s'), sign(bank, text))
  t.equal(await stage.settle(), 1)
  t.same(listed(join(stage.home, 'done', payDayOf(stage))), ['SGN-1.sta', 'SGN-1.sta.p7s'])
  t.equal(await linesIn(stage), 1)
})

t.test(
  'a changed file, another signer, a revoked one or none after an hour: quarantined, and no line is booked',
  async (t) => {
    const stage = await watched(t)
    const text = statement()
    const cases: [string, string, Buffer | null, RegExp][] = [
      ['SGN-changed.sta', `${text} `, sign(bank, text), /changed/],
      ['SGN-other.sta', text, sign(other, text), /another-signer/],
      ['SGN-junk.sta', text, Buffer.from('junk'), /malformed/],
      ['SGN-none.sta', text, null, /no \.p7s/],
    ]
    for (const [name, content, signature] of cases) {
      writeFileSync(join(stage.home, name), content)
      if (signature !== null) writeFileSync(join(stage.home, `${name}.p7s`), signature)
    }
    const longAgo = new Date(now.getTime() - 2 * 60 * 60 * 1000)
    utimesSync(join(stage.home, 'SGN-none.sta'), longAgo, longAgo)
    t.equal(await stage.settle(), cases.length)
    for (const [name, , , reason] of cases)
      t.match(readFileSync(join(stage.home, 'quarantine', `${name}.reason.txt`), 'utf8'), reason, name)
    t.ok(existsSync(join(stage.home, 'quarantine', 'SGN-changed.sta.p7s')))

    const strict = await watched(t, pki.crl(root, [bank]))
    writeFileSync(join(strict.home, 'SGN-2.sta'), text)
    writeFileSync(join(strict.home, 'SGN-2.sta.p7s'), sign(bank, text))
    t.equal(await strict.settle(), 1)
    t.match(readFileSync(join(strict.home, 'quarantine', 'SGN-2.sta.reason.txt'), 'utf8'), /revoked/)
    t.equal((await linesIn(stage)) + (await linesIn(strict)), 0)
  },
)

t.test('files of a source that asks for no signature are taken as before', async (t) => {
  const stage = await watched(t)
  writeFileSync(join(stage.home, 'plain.sta'), statement())
  t.equal(await stage.settle(), 1)
  t.equal(await linesIn(stage), 1)
})

t.test('an upload brings the signature as a part of its form, and without a good one nothing is kept', async (t) => {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer })
  gateway.environment.set(now)
  const iat = Math.floor(now.getTime() / 1000)
  const { authorization = '' } = await officers.headers(['finance.read', 'finance.resolve'], { iat, exp: iat + 3_600 })
  const saved = await callApi(gateway.url, 'POST', '/v1/finance/statement-sources', signingBank, { authorization })
  t.equal(saved.status, 201, saved.text)
  const text = statement()
  const upload = async (name: string, signature: Buffer | null, key: string, query = '') => {
    const form = new FormData()
    form.append('file', new Blob([text]), name)
    if (signature !== null) form.append('signature', new Blob([new Uint8Array(signature)]), `${name}.p7s`)
    const answer = await fetch(`${gateway.url}/v1/finance/statement-files${query}`, {
      method: 'POST',
      headers: { authorization, 'idempotency-key': key },
      body: form,
    })
    return { status: answer.status, json: Object(await answer.json()) }
  }
  const refused = { status: 422, json: { code: 'STATEMENT_NOT_SIGNED' } }
  t.match(await upload('SGN-1.sta', null, 'a'), refused, 'by its name')
  t.match(await upload('any.sta', sign(other, text), 'b', '?source=signing-bank'), refused, 'by the source it names')
  t.match(await upload('SGN-1.sta', sign(bank, `${text} `), 'c'), refused, 'of other bytes')
  t.match(await upload('SGN-1.sta', sign(bank, text), 'a'), { json: { code: 'IDEMPOTENCY_KEY_REUSED' } })
  t.same(await gateway.database.query('SELECT id FROM statement_files', []), [])
  t.match(await upload('SGN-1.sta', sign(bank, text), 'd'), { status: 202, json: { id: /^fil_/ } })
  const alone = await callApi(gateway.url, 'POST', '/v1/finance/statement-files?name=SGN-2.sta', text, {
    authorization,
    'content-type': 'application/octet-stream',
  })
  t.match(alone.json, { code: 'STATEMENT_NOT_SIGNED' }, 'a stream has no place for a signature')
})

t.test('the command wants the signature beside the file', async (t) => {
  const { folder, database, feegate } = await house(t)
  const { tenantId } = await seedTenant(database, { rail: 'vietqr' })
  await database.transaction((tx) => saveSource(tx, realEnvironment, tenantId, signingBank, 'test'))
  const text = statement()
  const path = join(folder, 'SGN-1.sta')
  writeFileSync(path, text)
  const command = ['reconcile', 'import', path, '--tenant', tenantId, '--no-run']
  t.match(await feegate(command), { code: 1, err: /^SGN-1\.sta: STATEMENT_NOT_SIGNED: no signature came with it/ })
  writeFileSync(`${path}.p7s`, sign(bank, text))
  t.match(await feegate(command), { code: 0, out: /^SGN-1\.sta: 1 lines booked/ })
})

function payDayOf({ environment }: { environment: { now(): Date } }): string {
  // The folder is named by the day the file was dealt with, in Viet Nam.
  return new Date(environment.now().getTime() + 7 * 60 * 60 * 1000).toISOString().slice(0, 10)
}
