/** Banks call with client certificates: on a listener of our own, or through a proxy that passes them on. Real TLS on loopback. */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { createClientCertificates } from '../../src/http/tls/client-certificates.ts'
import { type CertificateRule, subjectOf } from '../../src/signing/certificate-rule.ts'
import { openTrust } from '../../src/signing/certificate-trust.ts'
import { spkiPin } from '../../src/signing/certificates.ts'
import { callApi, type TestGateway, terminalOf, testDirectory, testGateway, testNoon } from '../harness/gateway.ts'
import { keys, type Party, testPki, uses } from '../harness/pki.ts'
import { tlsCaller, tlsListener } from '../harness/tls.ts'
import { startVnpay, vnpayIpn } from '../harness/vnpay.ts'

const pki = testPki(t, testNoon, new Date())
const dayMs = 24 * 60 * 60 * 1000
const past = new Date(Math.min(testNoon.getTime(), Date.now()) - 2 * dayMs)
const root = pki.authority('root', { key: keys.rsa })
const middle = pki.authority('middle', { issuer: root })
const server = pki.leaf('server', { issuer: root, extensions: uses.server })
const bankA = pki.leaf('bank-a', { issuer: root })
const bankB = pki.leaf('bank-b', { issuer: root })
const revoked = pki.leaf('revoked', { issuer: root, key: keys.p256 })
const foreignRoot = pki.authority('foreign-root')

const pinned = (...parties: readonly Party[]): CertificateRule[] =>
  parties.map(({ certificate }) => ({ spki: spkiPin(certificate) }))
const pathOf = (account: string): string => `/callbacks/vnpay/${account}`

async function fixture(
  t: Test,
  over: {
    rules?: CertificateRule[]
    proxies?: string[]
    crl?: Buffer
    authorities?: readonly Party[]
  } = {},
) {
  const crl = pki.file(`${Math.random()}.crl`, over.crl ?? pki.crl(root, [revoked]))
  const middleCrl = pki.file(`${Math.random()}.crl`, pki.crl(middle))
  const authorities = (over.authorities ?? [root]).map(({ certificateFile }) => certificateFile)
  const crls = [crl, middleCrl]
  const bankTrust = openTrust({ authorities, crls })
  const clientCertificates = createClientCertificates({
    proxies: over.proxies ?? [],
    header: 'client-cert',
    bankTrust,
  })
  const gateway = await testGateway(t, { clientCertificates })
  const certificate = pki.file(`${Math.random()}.pem`, readFileSync(server.certificateFile))
  const listener = await tlsListener(t, gateway, clientCertificates, 'bank', {
    certificate,
    key: server.keyFile,
    authorities,
    crls,
  })
  const directory = testDirectory({ vnpaySecret: gateway.vnpaySecret })
  const [model] = directory.railAccounts
  if (model === undefined) throw new Error('no rail account')
  const account = (id: string) => ({ ...model, id, config: { ...model.config, tmnCode: terminalOf(id) } })
  await gateway.load({
    ...directory,
    railAccounts: [
      { ...account('bank-a'), clientCertificates: over.rules ?? pinned(bankA, revoked) },
      { ...account('bank-b'), clientCertificates: pinned(bankB) },
    ],
  })
  gateway.environment.advance(6_000)
  return { gateway, listener, bankTrust, crl, certificate }
}

const evidence = async ({ database }: TestGateway, account = 'bank-a'): Promise<string[]> =>
  (
    await database.query<{ verdict: string; detail: string; reply_status: number }>(
      'SELECT verdict, detail, reply_status FROM callbacks WHERE rail_account_id = $1 ORDER BY id',
      [account],
    )
  ).map(({ verdict, detail, reply_status }) => `${verdict} ${reply_status} ${detail}`)

t.test('a bank that shows its certificate is heard on its own account', async (t) => {
  const { gateway, listener } = await fixture(t)
  const started = await startVnpay(gateway, 'bank-a')
  const caller = tlsCaller(t, root, bankA)
  const answer = await caller.call(`${listener.url}${pathOf('bank-a')}?${vnpayIpn(gateway.vnpaySecret, started)}`)
  t.match(answer, { status: 200, text: /"RspCode":"00"/ })
  t.match((await gateway.api('GET', `/v1/invoices/${started.invoiceId}`)).json, { status: 'PAID' })
})

t.test(
  'a valid certificate of another bank gets the answer of an account that does not exist, and leaves evidence',
  async (t) => {
    const { gateway, listener } = await fixture(t)
    const started = await startVnpay(gateway, 'bank-a')
    const query = vnpayIpn(gateway.vnpaySecret, started)
    const caller = tlsCaller(t, root, bankB)
    const other = await caller.call(`${listener.url}${pathOf('bank-a')}?${query}`)
    const unknown = await caller.call(`${listener.url}${pathOf('nobody')}?${query}`)
    const unbound = await caller.call(`${listener.url}${pathOf('vnpay-h56-14')}?${query}`)
    t.equal(other.status, 404)
    t.same(other, unknown)
    t.same(unbound, unknown, 'an account that asks for no certificate is not served at this door')
    t.match(await evidence(gateway), [/^refused:certificate 404 certificate of another: CN=bank-b, /])
    t.match((await gateway.api('GET', `/v1/invoices/${started.invoiceId}`)).json, { status: 'PAYING' })
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
    t.match(metrics, 'feegate_callbacks_total{rail="vnpay",verdict="refused_certificate"} 2')
  },
)

t.test(
  'a certificate that is expired, for another purpose, of a foreign authority, revoked or missing is refused alike',
  async (t) => {
    const { gateway, listener } = await fixture(t)
    const started = await startVnpay(gateway, 'bank-a')
    const query = vnpayIpn(gateway.vnpaySecret, started)
    const leaf = (name: string, making: object = {}): Party => pki.leaf(name, { issuer: root, ...making })
    const strangers: [string, Party | null, RegExp, (readonly Party[])?][] = [
      ['none', null, /no-certificate/],
      ['expired', leaf('expired', { until: past }), /expired/],
      ['server', leaf('other-server', { extensions: uses.server }), /wrong-purpose/],
      [
        'signing',
        leaf('a-signer', { extensions: [...uses.signing, 'extendedKeyUsage=emailProtection'] }),
        /wrong-purpose/,
      ],
      ['foreign', leaf('foreign', { issuer: foreignRoot }), /unknown-issuer/],
      ['self-signed', pki.authority('self-signed', { extensions: uses.client }), /unknown-issuer/],
      ['revoked', revoked, /revoked/],
      ['signed by SHA-1', leaf('sha1-client', { digest: 'sha1' }), /weak/],
    ]
    const answers = new Set<string>()
    for (const [name, party, , others] of strangers) {
      const caller = tlsCaller(t, root, party, others)
      for (const path of [pathOf('bank-a'), pathOf('nobody')]) {
        const answer = await caller.call(`${listener.url}${path}?${query}`)
        t.equal(answer.status, 403, name)
        answers.add(answer.text)
      }
    }
    t.equal(answers.size, 1, 'one answer for all of them, whether the account exists or not')
    t.match([...answers][0], /CLIENT_CERTIFICATE_REFUSED/)
    const kept = await evidence(gateway)
    t.equal(kept.length, strangers.length)
    for (const [name, , reason] of strangers)
      t.ok(
        kept.some((line) => reason.test(line)),
        name,
      )
    t.match((await gateway.api('GET', `/v1/invoices/${started.invoiceId}`)).json, { status: 'PAYING' })
    const good = await tlsCaller(t, root, bankA).call(`${listener.url}${pathOf('bank-a')}?${query}`)
    t.match(good.text, /"RspCode":"00"/, 'and the same words by the right caller are heard')
  },
)

t.test('an account that asks for a certificate is not to be found at the public door', async (t) => {
  const { gateway } = await fixture(t)
  const started = await startVnpay(gateway, 'bank-a')
  const query = vnpayIpn(gateway.vnpaySecret, started)
  const bound = await callApi(gateway.url, 'GET', `${pathOf('bank-a')}?${query}`)
  const unknown = await callApi(gateway.url, 'GET', `${pathOf('nobody')}?${query}`)
  t.equal(bound.status, 404)
  t.equal(bound.text, unknown.text)
  t.match(await evidence(gateway), [/no-certificate/])
  t.equal((await callApi(gateway.url, 'GET', `${pathOf('vnpay-h56-14')}?x=1`)).status, 200, 'others are as before')
})

t.test("the banks' door serves callbacks and nothing else", async (t) => {
  const { listener } = await fixture(t)
  const caller = tlsCaller(t, root, bankA)
  for (const path of [
    '/v1/invoices',
    '/oauth/token',
    '/.well-known/jwks.json',
    '/healthz',
    '/metrics',
    '/pay/x',
    '/callbacks',
    '/callbacks/../v1/invoices',
    '/callbacks/%2e%2e/v1/invoices',
    '//healthz',
    '/callbacks/vnpay',
  ])
    t.equal((await caller.call(`${listener.url}${path}`)).status, 404, path)
})

t.test('a certificate in a header is believed from a listed proxy only, in the spellings proxies have', async (t) => {
  const bare = await fixture(t)
  const behind = await fixture(t, { proxies: ['127.0.0.0/8'] })
  const elsewhere = await fixture(t, { proxies: ['10.0.0.0/8', '192.0.2.7'] })
  const der = bankA.certificate.raw.toString('base64')
  const escaped = encodeURIComponent(readFileSync(bankA.certificateFile, 'utf8'))
  const statusOf = async ({ gateway }: typeof bare, headers: Record<string, string>): Promise<number> =>
    (await callApi(gateway.url, 'GET', `${pathOf('bank-a')}?x=1`, undefined, headers)).status
  t.equal(await statusOf(behind, { 'client-cert': `:${der}:` }), 200, 'RFC 9440')
  t.equal(await statusOf(behind, { 'client-cert': escaped }), 200, 'nginx')
  t.equal(await statusOf(bare, { 'client-cert': `:${der}:` }), 404, 'no proxy is listed')
  t.equal(await statusOf(elsewhere, { 'client-cert': `:${der}:` }), 404, 'another proxy is listed')
  t.equal(
    await statusOf(elsewhere, {
      'client-cert': `:${der}:`,
      'x-forwarded-for': '192.0.2.7',
      forwarded: 'for=192.0.2.7',
    }),
    404,
    'saying to be the proxy is not enough',
  )
  const wrong: [string, string][] = [
    ['empty', ''],
    ['garbage', 'garbage'],
    ['garbage in colons', ':AAAA:'],
    ['two certificates', `:${der}:, :${der}:`],
    ['a cut one', `:${der.slice(0, 40)}:`],
    ['a bad escape', `%${escaped}`],
    ["another bank's", `:${bankB.certificate.raw.toString('base64')}:`],
    ['a revoked one', `:${revoked.certificate.raw.toString('base64')}:`],
  ]
  for (const [name, value] of wrong) t.equal(await statusOf(behind, { 'client-cert': value }), 404, name)
  t.ok((await evidence(behind.gateway)).some((line) => /revoked/.test(line)))
  const spoofed = await tlsCaller(t, root, bankB).call(`${behind.listener.url}${pathOf('bank-a')}`, {
    headers: { 'client-cert': `:${der}:` },
  })
  t.equal(spoofed.status, 404, 'on our own listener the header means nothing')
})

t.test('certificates between come with the call, on TLS and in the header beside it', async (t) => {
  const below = pki.leaf('below-middle', { issuer: middle })
  const { gateway, listener } = await fixture(t, { rules: pinned(below), proxies: ['127.0.0.1'] })
  const status = async (others: readonly Party[]): Promise<number> =>
    (await tlsCaller(t, root, below, others).call(`${listener.url}${pathOf('bank-a')}?x=1`)).status
  t.equal(await status([middle]), 200)
  t.equal(await status([]), 403)
  const item = ({ certificate }: Party): string => `:${certificate.raw.toString('base64')}:`
  const headers = { 'client-cert': item(below), 'client-cert-chain': `${item(middle)}, ${item(root)}` }
  t.equal((await callApi(gateway.url, 'GET', `${pathOf('bank-a')}?x=1`, undefined, headers)).status, 200)
})

t.test(
  'a name under an authority is a binding as well; the same name under another authority is somebody else',
  async (t) => {
    const second = pki.authority('second-root')
    const subject = '/C=VN/O=Ngân hàng A, chi nhánh 1/CN=api'
    const named = pki.leaf('named', { issuer: root, subject })
    const twin = pki.leaf('twin', { issuer: second, subject })
    const rule = { subject: subjectOf(named.certificate), issuerSpki: spkiPin(root.certificate) }
    t.match(rule.subject, 'O=Ngân hàng A\\, chi nhánh 1')
    const crls = Buffer.from(pki.crl(root))
    const { listener } = await fixture(t, { rules: [rule], crl: crls, authorities: [root, second] })
    const status = async (party: Party): Promise<number> =>
      (await tlsCaller(t, root, party).call(`${listener.url}${pathOf('bank-a')}?x=1`)).status
    t.equal(await status(named), 200)
    t.equal(await status(pki.leaf('renamed', { issuer: root, subject: '/C=VN/O=Bank A/CN=api2' })), 404)
    t.match(await status(twin), 403, 'no list of that authority is here')
    const both = pki.file('both.crl', pki.crl(second))
    const listed = await fixture(t, { rules: [rule], crl: readFileSync(both), authorities: [second] })
    t.equal(
      (await tlsCaller(t, root, twin).call(`${listed.listener.url}${pathOf('bank-a')}?x=1`)).status,
      404,
      'certified well, by somebody else',
    )
  },
)

t.test('a renewed certificate for the same key is still the bank', async (t) => {
  const { listener } = await fixture(t)
  const renewed = pki.leaf('renewed', { issuer: root, sameKeyAs: bankA, subject: '/CN=Bank A, new branch' })
  t.not(renewed.certificate.serialNumber, bankA.certificate.serialNumber)
  t.equal((await tlsCaller(t, root, renewed).call(`${listener.url}${pathOf('bank-a')}?x=1`)).status, 200)
})

t.test('a certificate that is revoked or ends while the connection stands is refused at the next call', async (t) => {
  const { gateway, listener, bankTrust, crl } = await fixture(t)
  const caller = tlsCaller(t, root, bankA)
  const url = `${listener.url}${pathOf('bank-a')}?x=1`
  t.equal((await caller.call(url)).status, 200)
  writeFileSync(crl, pki.crl(root, [revoked, bankA]))
  bankTrust.reload()
  listener.reload()
  t.equal((await caller.call(url)).status, 403, 'on the connection that stands')
  t.equal((await tlsCaller(t, root, bankA).call(url)).status, 403, 'on a new one')
  writeFileSync(crl, 'cut off')
  t.throws(() => bankTrust.reload(), { code: 'CERTIFICATE_FILE' })
  t.throws(() => listener.reload())
  t.equal((await caller.call(url)).status, 403, 'a list that cannot be read changes nothing')

  const ending = await fixture(t)
  const late = tlsCaller(t, root, bankA)
  const lateUrl = `${ending.listener.url}${pathOf('bank-a')}?x=1`
  t.equal((await late.call(lateUrl)).status, 200)
  ending.gateway.environment.advance(800 * dayMs)
  t.equal((await late.call(lateUrl)).status, 403)
  t.ok(gateway)
})

t.test('a new certificate of our own is shown to new connections without a restart', async (t) => {
  const { listener, certificate } = await fixture(t)
  const serialOf = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: listener.port, host: '127.0.0.1', ca: readFileSync(root.certificateFile) }, () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
        socket.destroy()
      })
      socket.once('error', reject)
    })
  const before = await serialOf()
  t.equal(before, server.certificate.serialNumber)
  const renewed = pki.leaf('renewed-server', { issuer: root, extensions: uses.server, sameKeyAs: server })
  copyFileSync(renewed.certificateFile, certificate)
  listener.reload()
  t.not(await serialOf(), before)
})

t.test('old protocol versions are refused, and no connection is taken up again from a ticket', async (t) => {
  const { listener } = await fixture(t)
  const ca = readFileSync(root.certificateFile)
  const [cert, key] = [readFileSync(bankA.certificateFile), readFileSync(bankA.keyFile)]
  const handshake = (more: object): Promise<{ reused: boolean; session: Buffer | undefined } | string> =>
    new Promise((resolve) => {
      let session: Buffer | undefined
      const socket = connect({ port: listener.port, host: '127.0.0.1', ca, cert, key, ...more }, () => {
        socket.write('GET /callbacks/vnpay/bank-a?x=1 HTTP/1.1\r\nHost: x\r\n\r\n')
      })
      socket.on('session', (ticket) => {
        session = ticket
      })
      socket.once('data', () => {
        resolve({ reused: socket.isSessionReused(), session })
        socket.destroy()
      })
      socket.once('error', (error) => resolve(String(error)))
    })
  t.type(await handshake({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }), 'string')
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await handshake({ minVersion: version, maxVersion: version })
    if (typeof first === 'string') throw new Error(first)
    const again = await handshake({ minVersion: version, maxVersion: version, session: first.session })
    t.match(again, { reused: false }, version)
  }
})
