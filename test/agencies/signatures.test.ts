/** Invoices signed as CMS with an agency's certificate, as a portal gets them and as anybody with OpenSSL checks them. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { importSigner, listSigners } from '../../src/agencies/signers.ts'
import { verifyCms } from '../../src/signing/cms-verify.ts'
import { makeDemoCertificates } from '../../src/signing/demo-certificates.ts'
import { readPkcs12 } from '../../src/signing/pkcs12.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway, testNoon } from '../harness/gateway.ts'
import { keys, type Party, testPki, uses } from '../harness/pki.ts'
import { startVnpay, vnpayIpn } from '../harness/vnpay.ts'

const pki = testPki(t, testNoon, new Date())
const root = pki.authority('root', { key: keys.rsa })
const middle = pki.authority('middle', { issuer: root })
const agency = pki.leaf('agency', {
  issuer: middle,
  extensions: uses.signing,
  key: keys.rsa,
  subject: '/C=VN/O=Sở Tư pháp/CN=Con dấu số',
})
const next = pki.leaf('agency-next', { issuer: middle, extensions: uses.signing })

/** As an operator would have it: out of a PKCS#12 file. */
function storeOf(party: Party) {
  const args = ['pkcs12', '-export', '-inkey', party.keyFile, '-in', party.certificateFile, '-passout', 'pass:p']
  return readPkcs12(pki.openssl([...args, '-certfile', middle.certificateFile]), 'p')
}
const sign = (gateway: TestGateway, party: Party, agencyCode = 'H56.14') =>
  gateway.database.transaction((tx) =>
    importSigner(
      tx,
      gateway.environment,
      gateway.vault,
      { agencyCode, store: storeOf(party), refuseDemo: false },
      'test',
    ),
  )

async function download(gateway: TestGateway, path: string, headers: Record<string, string> = {}) {
  const token = await gateway.client.token()
  const answer = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } })
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    bytes: Buffer.from(await answer.arrayBuffer()),
  }
}

t.test('the signature covers the document byte for byte, and OpenSSL and we believe it', async (t) => {
  const gateway = await testGateway(t)
  await sign(gateway, agency)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const base = `/v1/invoices/${String(invoice.json.id)}`
  const document = await download(gateway, `${base}/document`)
  const signature = await download(gateway, `${base}/signature.p7s`)
  t.match(document, { status: 200, type: /^application\/json/ })
  t.match(signature, { status: 200, type: 'application/pkcs7-signature' })
  t.same(document.bytes, Buffer.from(String(invoice.json.jws).split('.')[1] ?? '', 'base64url'))
  t.match(JSON.parse(document.bytes.toString('utf8')), { invoiceId: invoice.json.id, total: invoice.json.total })
  const files = [pki.file('document', document.bytes), pki.file('signature.p7s', signature.bytes)] as const
  const opensslBelieves = (content: string): boolean => {
    try {
      pki.openssl([
        ...['cms', '-verify', '-binary', '-inform', 'DER', '-in', files[1], '-content', content, '-out', '/dev/null'],
        // The gateway's clock made the signing time; the machine's may be elsewhere, and only certificates are asked here.
        ...['-CAfile', root.certificateFile, '-purpose', 'any'],
      ])
      return true
    } catch {
      return false
    }
  }
  t.ok(opensslBelieves(files[0]))
  t.notOk(opensslBelieves(pki.file('changed', Buffer.concat([document.bytes, Buffer.from('\n')]))))
  const verdict = verifyCms(signature.bytes, document.bytes, { roots: [root.certificate], at: testNoon })
  t.ok(verdict.ok && verdict.signer.fingerprint256 === agency.certificate.fingerprint256)
  t.same(verdict.ok && verdict.signedAt, testNoon)
})

t.test(
  'a document is signed once: the same bytes for everybody who asks, also at once and after a renewal',
  async (t) => {
    const gateway = await testGateway(t)
    await sign(gateway, agency)
    const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
    const path = `/v1/invoices/${String(invoice.json.id)}/signature.p7s`
    const answers = await Promise.all(Array.from({ length: 8 }, () => download(gateway, path)))
    t.equal(new Set(answers.map(({ bytes }) => bytes.toString('hex'))).size, 1)
    await sign(gateway, next)
    t.same((await download(gateway, path)).bytes, answers[0]?.bytes)
    const later = await gateway.api('POST', '/v1/invoices', anInvoice())
    const base = `/v1/invoices/${String(later.json.id)}`
    const [signature, document] = [
      await download(gateway, `${base}/signature.p7s`),
      await download(gateway, `${base}/document`),
    ]
    const verdict = verifyCms(signature.bytes, document.bytes, { roots: [root.certificate], at: testNoon })
    t.equal(
      verdict.ok && verdict.signer.fingerprint256,
      next.certificate.fingerprint256,
      'the new one signs what is new',
    )
    t.same((await listSigners(gateway.database)).map(({ status, agencyCode }) => `${agencyCode} ${status}`).sort(), [
      'H56.14 ACTIVE',
      'H56.14 RETIRED',
    ])
  },
)

t.test('a receipt is signed in the same way once it has its number', async (t) => {
  const gateway = await testGateway(t, { background: true })
  await sign(gateway, agency)
  const paid = await startVnpay(gateway)
  const query = vnpayIpn(gateway.vnpaySecret, paid)
  await callApi(gateway.url, 'GET', `/callbacks/vnpay/vnpay-h56-14?${query}`)
  const list = async () =>
    (await gateway.api('GET', `/v1/invoices/${paid.invoiceId}/receipts`)).json.receipts as unknown as {
      id: string
      jws: string | null
    }[]
  let receipts = await list()
  for (let waited = 0; receipts[0]?.jws == null && waited < 10_000; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    receipts = await list()
  }
  const base = `/v1/invoices/${paid.invoiceId}/receipts/${receipts[0]?.id}`
  const [document, signature] = [
    await download(gateway, `${base}/document`),
    await download(gateway, `${base}/signature.p7s`),
  ]
  t.same(document.bytes, Buffer.from(String(receipts[0]?.jws).split('.')[1] ?? '', 'base64url'))
  t.ok(verifyCms(signature.bytes, document.bytes, { roots: [root.certificate], at: testNoon }).ok)
  t.same((await download(gateway, `${base}/signature.p7s`)).bytes, signature.bytes)
  const invoice = await download(gateway, `/v1/invoices/${paid.invoiceId}/signature.p7s`)
  t.notSame(invoice.bytes, signature.bytes)
  const nowhere = `/v1/invoices/${paid.invoiceId}/receipts/rcp_${'0'.repeat(26)}/signature.p7s`
  t.equal((await download(gateway, nowhere)).status, 404)
})

t.test('without a certificate, or with one that has ended, the answer says so; the invoice stands', async (t) => {
  const gateway = await testGateway(t)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const path = `/v1/invoices/${String(invoice.json.id)}/signature.p7s`
  t.match((await gateway.api('GET', path)).json, { status: 409, code: 'AGENCY_CERTIFICATE_MISSING' })
  await sign(gateway, agency)
  gateway.environment.advance(800 * 24 * 60 * 60 * 1000)
  t.match((await gateway.api('GET', path)).json, {
    status: 409,
    code: 'AGENCY_CERTIFICATE_MISSING',
    en: { detail: /ended/ },
  })
  t.equal((await gateway.api('GET', `/v1/invoices/${String(invoice.json.id)}/document`)).status, 200)
})

t.test(
  'another tenant, another portal and a portal without the scope see neither document nor signature',
  async (t) => {
    const gateway = await testGateway(t)
    await sign(gateway, agency)
    const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
    await gateway.load(testDirectory({ tenantId: 'ten_other', agencyCode: 'H57.2', vnpaySecret: 'B'.repeat(32) }))
    const others: [string, Awaited<ReturnType<TestGateway['addClient']>>, number][] = [
      ['another tenant', await gateway.addClient({ tenantId: 'ten_other' }), 404],
      ['another portal', await gateway.addClient(), 404],
      ['no scope', await gateway.addClient({ scopes: ['events:read'] }), 403],
    ]
    for (const [name, client, expected] of others) {
      for (const end of ['document', 'signature.p7s']) {
        const headers = { authorization: `Bearer ${await client.token()}` }
        const path = `/v1/invoices/${String(invoice.json.id)}/${end}`
        t.equal((await callApi(gateway.url, 'GET', path, undefined, headers)).status, expected, `${name}: ${end}`)
      }
    }
  },
)

t.test('only a certificate that can sign now is taken, for an agency that is on record', async (t) => {
  const gateway = await testGateway(t)
  const past = new Date(Math.min(testNoon.getTime(), Date.now()) - 24 * 60 * 60 * 1000)
  const wrong: [string, Party, RegExp][] = [
    ['a TLS client', pki.leaf('a-client', { issuer: root }), /wrong-purpose/],
    ['an ended one', pki.leaf('ended', { issuer: root, extensions: uses.signing, until: past }), /expired/],
    ['a weak one', pki.leaf('weak', { issuer: root, extensions: uses.signing, key: keys.shortRsa }), /weak/],
  ]
  for (const [name, party, message] of wrong)
    await t.rejects(sign(gateway, party), { code: 'AGENCY_SIGNER', message }, name)
  await t.rejects(sign(gateway, agency, 'H99.9'), /no agency H99.9/)
  makeDemoCertificates(pki.folder, testNoon)
  const demo = readPkcs12(readFileSync(`${pki.folder}/agency-signing.p12`), 'feegate-demo')
  const load = (refuseDemo: boolean) =>
    gateway.database.transaction((tx) =>
      importSigner(tx, gateway.environment, gateway.vault, { agencyCode: 'H56.14', store: demo, refuseDemo }, 'test'),
    )
  await t.rejects(load(true), /Demo Agency.*demo certificates are refused in production/)
  await t.resolves(load(false))
  const [row] = await gateway.database.query<{ row: string }>('SELECT s::text AS row FROM agency_signers s', [])
  t.notMatch(row?.row, /PRIVATE KEY/, 'the private key is sealed')
})
