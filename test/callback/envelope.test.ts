/** Banks that sign their calls and files as CMS, around the rail's own protocol. */
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { spkiPin } from '../../src/signing/certificates.ts'
import { readCrl } from '../../src/signing/crl.ts'
import { signedBy, verifySigned, verifySignedFile } from '../../src/signing/signed-by.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway, testNoon } from '../harness/gateway.ts'
import { type Party, testPki, uses } from '../harness/pki.ts'

// OpenSSL signs with the machine's time; the gateways of this file are set to it.
const now = new Date()
const pki = testPki(t, now)
const root = pki.authority('root')
const bank = pki.leaf('bank', { issuer: root, extensions: uses.signing })
const otherBank = pki.leaf('other-bank', { issuer: root, extensions: uses.signing })
const foreign = pki.leaf('foreign', { issuer: pki.authority('foreign-root'), extensions: uses.signing })
const by = { authorities: [root.certificate.toString()], signers: [{ spki: spkiPin(bank.certificate) }] }

let messages = 0
function sign(party: Party, content: string, ...more: string[]): Buffer {
  const file = pki.file(`content-${++messages}`, content)
  const signer = ['-signer', party.certificateFile, '-inkey', party.keyFile]
  return pki.openssl(['cms', '-sign', '-binary', '-in', file, '-outform', 'DER', ...signer, ...more])
}

const secret = 'S'.repeat(32)
/** A collection account whose notices come from SePay, signed by its own HMAC as well. */
async function gatewayWith(t: Test, envelope: object): Promise<TestGateway> {
  const gateway = await testGateway(t)
  await gateway.load(
    testDirectory({
      railAccounts: [
        {
          id: 'collect',
          rail: 'vietqr',
          beneficiaryAccountId: 'bac_h56-14-colle',
          titleVi: 'Chuyển khoản',
          titleEn: 'Transfer',
          config: {
            bankBin: '970415',
            accountNumber: '113366668888',
            accountName: 'SO TU PHAP',
            source: { name: 'sepay', mode: 'hmac', secret },
          },
          envelope: { ...by, ...envelope } as never,
        },
      ],
    }),
  )
  gateway.environment.set(now)
  return gateway
}

async function notice(gateway: TestGateway): Promise<{ body: string; headers: Record<string, string>; id: string }> {
  gateway.environment.set(testNoon)
  const invoice = await gateway.api(
    'POST',
    '/v1/invoices',
    anInvoice({ expiresAt: new Date(testNoon.getTime() + 80 * 86_400_000).toISOString() }),
  )
  if (invoice.status !== 201) throw new Error(invoice.text)
  gateway.environment.set(now)
  const body = JSON.stringify({
    id: ++messages,
    gateway: 'VietinBank',
    transactionDate: '2026-11-20 12:01:00',
    accountNumber: '113366668888',
    subAccount: null,
    code: null,
    content: `${String(invoice.json.payCode)} nop le phi`,
    transferType: 'in',
    description: '',
    transferAmount: invoice.json.total,
    accumulated: 1,
    referenceCode: `FT${messages}`,
  })
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const hmac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  const headers = { 'x-sepay-timestamp': timestamp, 'x-sepay-signature': `sha256=${hmac}` }
  return { body, headers, id: String(invoice.json.id) }
}
const send = (gateway: TestGateway, body: string | Buffer, headers: Record<string, string>, path = '') =>
  callApi(gateway.url, 'POST', `/callbacks/vietqr/collect${path}`, body, headers)
async function statusOf(gateway: TestGateway, id: string): Promise<unknown> {
  const [row] = await gateway.database.query<{ status: string }>('SELECT status FROM invoices WHERE id = $1', [id])
  return row?.status
}

t.test('a signature in a header is asked for beside the rail’s own, over the very bytes of the body', async (t) => {
  const gateway = await gatewayWith(t, { placement: 'header', header: 'x-bank-signature' })
  const { body, headers, id } = await notice(gateway)
  const signature = (party: Party, content = body, ...more: string[]): Record<string, string> => ({
    ...headers,
    'x-bank-signature': sign(party, content, ...more).toString('base64'),
  })
  const refused: [string, Record<string, string>, string?][] = [
    ['none', headers],
    ['garbage', { ...headers, 'x-bank-signature': 'garbage' }],
    ['of another bank', signature(otherBank)],
    ['of a foreign authority', signature(foreign)],
    ['over another body', signature(bank, `${body} `)],
    ['without attributes', signature(bank, body, '-noattr')],
    ['with the content inside', signature(bank, body, '-nodetach')],
    ['beside an address that says more', signature(bank), '?more=1'],
  ]
  for (const [name, tried, path] of refused) {
    const answer = await send(gateway, body, tried, path)
    t.equal(answer.status, 401, `${name}: ${answer.text}`)
  }
  t.equal(await statusOf(gateway, id), 'ISSUED')
  const details = await gateway.database.query<{ detail: string }>(
    `SELECT detail FROM callbacks WHERE verdict = 'refused:signature'`,
    [],
  )
  t.equal(details.length, refused.length, 'each refusal leaves its evidence')
  t.ok(details.every(({ detail }) => detail.startsWith('envelope: ')))
  const { 'x-sepay-signature': _hmac, ...withoutHmac } = signature(bank)
  t.equal((await send(gateway, body, withoutHmac)).status, 401, "the rail's own signature is needed all the same")
  t.equal((await send(gateway, body, signature(bank))).status, 200)
  t.equal(await statusOf(gateway, id), 'PAID')
})

t.test('a body that is a signed message is opened for the adapter and kept closed as evidence', async (t) => {
  const gateway = await gatewayWith(t, { placement: 'body' })
  const { body, headers, id } = await notice(gateway)
  t.equal((await send(gateway, body, headers)).status, 401, 'the bare body')
  t.equal((await send(gateway, sign(otherBank, body, '-nodetach'), headers)).status, 401)
  t.equal((await send(gateway, sign(bank, body), headers)).status, 401, 'a signature without its content')
  const message = sign(bank, body, '-nodetach')
  t.equal((await send(gateway, message, headers)).status, 200)
  t.equal(await statusOf(gateway, id), 'PAID')
  const [kept] = await gateway.database.query<{ body: Buffer }>(
    `SELECT body FROM callbacks WHERE verdict = 'recorded'`,
    [],
  )
  t.same(kept?.body, message)
})

t.test('an envelope that cannot be checked is refused when the directory is loaded', async (t) => {
  for (const wrong of [
    { placement: 'header' },
    { placement: 'elsewhere' },
    { placement: 'body', authorities: ['not a certificate'] },
    { placement: 'body', authorities: [] },
    { placement: 'body', signers: [] },
    { placement: 'body', signers: [{ spki: 'short' }] },
  ])
    await t.rejects(gatewayWith(t, wrong), { code: 'DIRECTORY_INVALID' }, JSON.stringify(wrong))
})

t.test('a statement file is verified while it streams by, or opened when it carries its content', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-signed-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'statement.csv')
  const content = `date;amount\n${'20261120;58000\n'.repeat(200_000)}`
  writeFileSync(file, content)
  const trusted = signedBy.parse(by)
  const trust = { at: now, crls: null }
  const reasonOf = async (signature: Uint8Array): Promise<string> => {
    const verdict = await verifySignedFile(file, signature, trusted, trust)
    return verdict.ok ? 'believed' : verdict.reason
  }
  t.equal(await reasonOf(sign(bank, content)), 'believed')
  t.equal(await reasonOf(sign(bank, content, '-md', 'sha512')), 'believed')
  t.equal(await reasonOf(sign(otherBank, content)), 'another-signer')
  t.equal(await reasonOf(sign(foreign, content)), 'unknown-issuer')
  t.equal(await reasonOf(sign(bank, content, '-md', 'sha1')), 'weak')
  t.equal(await reasonOf(Buffer.from('junk')), 'malformed')
  const good = sign(bank, content)
  writeFileSync(file, content.replace('58000', '58001'))
  t.equal(await reasonOf(good), 'changed')

  const opened = verifySigned(sign(bank, content, '-nodetach'), null, trusted, trust)
  t.equal(opened.ok && opened.content?.toString('utf8'), content)
  const listed = { at: now, crls: [readCrl(pki.crl(root, [bank]))] }
  t.match(verifySigned(good, Buffer.from(content), trusted, listed), { ok: false, reason: 'revoked' })
})
