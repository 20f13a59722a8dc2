/** What a stranger can do to the front door: guess, flood, forge forms, frame pages, smuggle requests, dawdle. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { deflateSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { addressLimits, networkOf } from '../../src/http/address-limits.ts'
import { createRateLimiter } from '../../src/http/rate-limit.ts'
import { testEnvironment } from '../harness/environment.ts'
import { type ApiAnswer, anInvoice, callApi, type TestGateway, testGateway } from '../harness/gateway.ts'
import { heapInUse } from '../harness/heap.ts'

const wrongToken = (): string => randomBytes(24).toString('base64url')

async function anOpenInvoice(gateway: TestGateway): Promise<{ id: string; page: string }> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  if (invoice.status !== 201) throw new Error(invoice.text)
  return { id: String(invoice.json.id), page: new URL(String(invoice.json.payUrl)).pathname }
}

/** The answers to bytes sent as they are; the connection is the caller's to end. */
async function raw(url: string, bytes: string, { waitMs = 3_000 } = {}): Promise<string> {
  const { hostname, port } = new URL(url)
  return await new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'))
    socket.setTimeout(waitMs, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)))
    socket.on('close', () => resolve(text))
  })
}

const statuses = (text: string): number[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))

t.test('wrong pay tokens are answered alike, and past a few a minute not looked up as pages any more', async (t) => {
  const gateway = await testGateway(t)
  const { page } = await anOpenInvoice(gateway)
  const answers: ApiAnswer[] = []
  for (let n = 0; n < addressLimits.wrongPages + 5; n++)
    answers.push(await callApi(gateway.url, 'GET', `/pay/${n % 2 === 0 ? '' : 'basket/'}${wrongToken()}`))
  const misses = answers.slice(0, addressLimits.wrongPages)
  t.same(new Set(misses.map(({ status, text }) => `${status} ${text}`)).size, 1, 'one answer for all')
  t.equal(misses[0]?.status, 404)
  for (const { status, headers } of answers.slice(addressLimits.wrongPages)) {
    t.equal(status, 429)
    t.ok(Number(headers.get('retry-after')) > 0)
  }
  t.equal((await callApi(gateway.url, 'GET', page)).status, 200, 'a payer behind the same address still pays')
  gateway.environment.advance(60_000)
  t.equal((await callApi(gateway.url, 'GET', `/pay/${wrongToken()}`)).status, 404, 'a minute later')
})

t.test('addresses that lead nowhere and callbacks to no account have a share a minute', async (t) => {
  const gateway = await testGateway(t)
  for (let n = 0; n < addressLimits.nowhere; n++) {
    const path = n % 2 === 0 ? `/callbacks/vnpay/none-${n}` : `/v1/nothing-${n}`
    const { status } = await callApi(gateway.url, 'GET', path)
    if (status !== 404) t.fail(`${path}: ${status}`)
  }
  for (const path of ['/callbacks/vnpay/none', '/wp-login.php']) {
    const answer = await callApi(gateway.url, 'GET', path)
    t.equal(answer.status, 429, path)
    t.equal(answer.json.code, 'RATE_LIMITED')
  }
})

t.test('one IPv6 network is one address, however it is written', async (t) => {
  t.equal(networkOf('203.0.113.7'), '203.0.113.7')
  t.equal(networkOf('::ffff:203.0.113.7'), '203.0.113.7')
  for (const address of ['2001:db8:1:2::1', '2001:0db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:9'])
    t.equal(networkOf(address), '2001:db8:1:2::/64')
  t.not(networkOf('2001:db8:1:3::1'), networkOf('2001:db8:1:2::1'))
  t.equal(networkOf('::1'), '0:0:0:0::/64')
})

t.test('without Redis a flood of addresses is counted in bounded memory', async (t) => {
  const limit = createRateLimiter({ redis: null, prefix: 'x:', environment: testEnvironment() })
  const before = heapInUse()
  for (let n = 0; n < 200_000; n++) await limit(`nowhere address-${n}-${'x'.repeat(40)}`, 1)
  t.ok(heapInUse() - before < 8 * 1024 * 1024)
  await limit('last', 1)
  await t.rejects(limit('last', 1), { code: 'RATE_LIMITED' })
})

t.test('every page, found or not, carries the strict policy and the security headers', async (t) => {
  const gateway = await testGateway(t)
  const { page } = await anOpenInvoice(gateway)
  const basketInvoice = await anOpenInvoice(gateway)
  const basket = await gateway.api('POST', '/v1/baskets', { invoiceIds: [basketInvoice.id] })
  const basketPage = new URL(String(basket.json.payUrl)).pathname
  const paths = [
    page,
    `${page}?lang=en`,
    `${page}/return`,
    `${page}/receipts/rcp_00000000000000000000000000`,
    basketPage,
    `${basketPage}/return`,
    '/pay',
    `/pay/${wrongToken()}`,
    '/pay/assets/style.css',
    '/pay/assets/refresh.js',
  ]
  for (const path of paths) {
    const { headers, text, status } = await callApi(gateway.url, 'GET', path)
    t.ok([200, 404].includes(status), `${path} ${status}`)
    const policy = Object.fromEntries(
      (headers.get('content-security-policy') ?? '').split(';').map((part) => {
        const [name = '', ...values] = part.trim().split(' ')
        return [name, values.join(' ')]
      }),
    )
    t.match(policy, {
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'form-action': "'self'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
    })
    t.notMatch(headers.get('content-security-policy'), /unsafe|https:|\*/, path)
    t.equal(headers.get('x-content-type-options'), 'nosniff')
    t.equal(headers.get('referrer-policy'), 'no-referrer')
    t.match(headers.get('strict-transport-security'), /max-age=\d{7,}/)
    t.equal(headers.get('set-cookie'), null, 'no cookie that another site could ride on')
    t.notMatch(text, /<script(?![^>]*\ssrc="\/pay\/assets\/)|\son\w+="|style="/i, `${path} has nothing inline`)
  }
})

t.test('a payment form sent from another site does nothing; rails may send the browser back', async (t) => {
  const gateway = await testGateway(t)
  const { page } = await anOpenInvoice(gateway)
  const post = (path: string, from: string | null): Promise<Response> =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: from === null ? {} : { 'sec-fetch-site': from },
      body: new URLSearchParams({ rail: 'nothing', lang: 'en' }),
    })
  for (const from of ['cross-site', 'same-site', 'anything']) {
    for (const path of [`${page}/start`, `${page}/payments/pay_00000000000000000000000000/confirm`])
      t.equal((await post(path, from)).status, 403, `${path} from ${from}`)
    t.equal((await post(`${page}/return`, from)).status, 303, 'the way back')
  }
  for (const from of ['same-origin', 'none', null]) t.not((await post(`${page}/start`, from)).status, 403, String(from))
  t.equal(Number((await gateway.database.query<{ n: bigint }>('SELECT count(*) AS n FROM payments', []))[0]?.n), 0)
})

t.test('a page leads back only to a registered origin', async (t) => {
  const gateway = await testGateway(t)
  const evil = [
    'https://evil.example/back',
    'https://portal.example.evil.example/',
    'https://portal.example@evil.example/',
    'https://evil.example/https://portal.example/',
    'http://portal.example/back',
    'https://portal.example:8443/',
    'https://portal.exаmple/',
    '//portal.example/',
    'javascript:alert(1)',
    'https:\\\\evil.example',
  ]
  for (const returnUrl of evil) {
    const answer = await gateway.api('POST', '/v1/invoices', anInvoice({ returnUrl }))
    t.ok(answer.status === 400 || answer.status === 422, `${returnUrl}: ${answer.status}`)
  }
  t.equal(
    (await gateway.api('POST', '/v1/invoices', anInvoice({ returnUrl: 'https://portal.example/ok' }))).status,
    201,
  )
})

t.test('requests whose length can be read in two ways are refused, and nothing behind them is served', async (t) => {
  const { url } = await testGateway(t)
  const smuggled = 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Smuggled: 1\r\n\r\n'
  const cases: Record<string, string> = {
    'Transfer-Encoding and Content-Length': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'two Content-Lengths': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${smuggled}`,
    'a Content-Length list': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 44\r\n\r\n${smuggled}`,
    'a signed Content-Length': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\n\r\n${smuggled}`,
    'an unknown coding before chunked': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    'chunked twice': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${smuggled}`,
    'a folded header': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nX-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0, 1\r\n\r\n${smuggled}`,
    'a space before the colon': `POST /v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Length : 44\r\n\r\n${smuggled}`,
    'a bare line feed': `POST /v1/invoices HTTP/1.1\nHost: x\nContent-Length: 0\n\n${smuggled}`,
    'a NUL in a header': `GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n${smuggled}`,
  }
  for (const [name, bytes] of Object.entries(cases)) {
    const answers = statuses(await raw(url, bytes))
    t.same(answers, [400], name)
  }
})

t.test('a head that is too large, or a request that never ends, is cut off', async (t) => {
  const gateway = await testGateway(t)
  t.same(
    statuses(await raw(gateway.url, `GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`)),
    [431],
  )
  const { server } = gateway.gateway.server
  t.ok(server.requestTimeout > 0 && server.requestTimeout <= 30_000)
  t.ok(server.headersTimeout > 0 && server.headersTimeout <= 60_000)
  // Slow loris: a head that comes byte by byte gets no longer than the limits, which are checked this often.
  server.requestTimeout = 300
  server.headersTimeout = 300
  const started = await raw(gateway.url, 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-A:', { waitMs: 45_000 })
  t.same(statuses(started), [408])
})

t.test('compressed bodies are not unpacked', async (t) => {
  const gateway = await testGateway(t)
  const bomb = Buffer.from(JSON.stringify({ a: ' '.repeat(10_000_000) }))
  const token = await gateway.client.token()
  for (const [coding, body] of [
    ['gzip', gzipSync(bomb)],
    ['deflate', deflateSync(bomb)],
  ] as const) {
    const answer = await callApi(gateway.url, 'POST', '/v1/invoices', body, {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-encoding': coding,
    })
    t.ok([400, 415].includes(answer.status), `${coding}: ${answer.status}`)
    t.match(answer.json.code, /INVALID_JSON|UNSUPPORTED_MEDIA_TYPE/)
  }
})

t.test('a JSON object that names a field twice is refused, however the name is written', async (t) => {
  const gateway = await testGateway(t)
  const text = JSON.stringify(anInvoice())
  for (const twice of ['"dossierCode":"H56.14-261120-9999"', '"dossier\\u0043ode":"H56.14-261120-9999"']) {
    const answer = await gateway.api('POST', '/v1/invoices', text.replace(/}$/, `,${twice}}`))
    t.equal(answer.status, 400, answer.text)
    t.equal(answer.json.code, 'INVALID_JSON')
  }
  const poisoned = await gateway.api('POST', '/v1/invoices', text.replace(/}$/, ',"__proto__":{"admin":true}}'))
  t.equal(poisoned.status, 400)
})

t.test('ids written with look-alikes are no ids', async (t) => {
  const gateway = await testGateway(t)
  const { id, page } = await anOpenInvoice(gateway)
  const alike: [string, string][] = [
    ['i', 'і'],
    ['v', 'ѵ'],
    ['0', '０'],
    ['n', 'n\u200b'],
    ['_', '＿'],
  ]
  for (const [from, to] of alike) {
    const answer = await gateway.api('GET', `/v1/invoices/${encodeURIComponent(id.replace(from, to))}`)
    t.ok([400, 404].includes(answer.status), `${to}: ${answer.status}`)
  }
  t.ok([400, 404].includes((await gateway.api('GET', `/v1/invoices/${id.toUpperCase()}`)).status))
  t.equal((await callApi(gateway.url, 'GET', `${page}%00`)).status, 404)
  t.equal((await callApi(gateway.url, 'GET', `${page.slice(0, -1)}${encodeURIComponent('а')}`)).status, 404)
})

async function logged(t: Test): Promise<{ lines: string[]; gateway: TestGateway }> {
  const { createLogger } = await import('../../src/log.ts')
  const { Writable } = await import('node:stream')
  const lines: string[] = []
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'))
      done()
    },
  })
  return { lines, gateway: await testGateway(t, { log: createLogger('trace', sink) }) }
}

t.test('nothing a stranger sends can forge a line of the log', async (t) => {
  const { lines, gateway } = await logged(t)
  const forged = 'x\n{"level":"info","msg":"forged"}\u001b[2J\u2028'
  const inHeader = encodeURIComponent(forged)
  await callApi(
    gateway.url,
    'GET',
    `/callbacks/vnpay/vnpay-h56-14?vnp_TxnRef=${inHeader}&vnp_Amount=1&vnp_SecureHash=${inHeader}`,
  )
  await callApi(gateway.url, 'GET', `/pay/${inHeader}`)
  await callApi(gateway.url, 'GET', '/v1/invoices', undefined, { 'x-request-id': '"}{"level":"error' })
  await gateway.api('POST', '/v1/invoices', anInvoice({ dossierCode: forged, [forged]: 1 }))
  await callApi(gateway.url, 'POST', '/oauth/token', JSON.stringify({ grant_type: forged }))
  t.ok(lines.length > 3)
  const single = lines.flatMap((chunk) => chunk.split('\n').filter((text) => text !== ''))
  const parsed = single.map((line): { msg?: unknown } => JSON.parse(line))
  t.notOk(parsed.some(({ msg }) => msg === 'forged'))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  const toTerminal = /[\u0000-\u001f\u007f]/
  t.same(single.filter((line) => toTerminal.test(line)).length, 0, 'no control character reaches a terminal')
})
