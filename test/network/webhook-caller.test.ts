import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createWebhookCaller, refusedAddress, refusedWebhookUrl } from '../../src/network/webhook-caller.ts'

t.test(
  'private, loopback, link-local, metadata and mapped addresses are refused unless their range is allowed',
  async (t) => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '0.0.0.0',
      '100.64.0.1',
      '::1',
      'fc00::1',
      'fe80::1',
      '::ffff:127.0.0.1',
      '::127.0.0.1',
      '::7f00:1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'fec0::1',
      'fd00:ec2::254',
      '224.0.0.1',
      'nonsense',
    ]) {
      t.ok(refusedAddress(address, []), address)
    }
    t.equal(refusedAddress('93.184.216.34', []), null)
    t.equal(refusedAddress('10.1.2.3', ['10.0.0.0/8']), null)
    t.ok(refusedAddress('192.168.1.1', ['10.0.0.0/8']))
  },
)

t.test('only https is taken, and http only to an allowed address that the URL names', async (t) => {
  t.equal(refusedWebhookUrl('https://dossiers.example/hook', []), null)
  t.ok(refusedWebhookUrl('http://dossiers.example/hook', ['10.0.0.0/8']))
  for (const host of ['2130706433', '0x7f.1', '127.1', '[::127.0.0.1]', '[::ffff:7f00:1]', '0'])
    t.ok(refusedWebhookUrl(`https://${host}/hook`, []), host)
  t.equal(refusedWebhookUrl('http://10.0.0.7/hook', ['10.0.0.0/8']), null)
  t.ok(refusedWebhookUrl('http://93.184.216.34/', ['10.0.0.0/8']))
})

t.test('a name that resolves inside is refused when the connection is made, and nothing is sent', async (t) => {
  let calls = 0
  const server = createServer((_request, response) => {
    calls += 1
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  const strict = createWebhookCaller({ allowedRanges: [], timeoutMs: 2_000 })
  t.teardown(() => strict.close())
  t.match(await strict.post({ url: `https://localhost:${port}/`, headers: {}, body: '{}' }), {
    kind: 'failed',
    error: /not allowed/,
  })
  t.match(await strict.post({ url: `https://127.0.0.1:${port}/`, headers: {}, body: '{}' }), {
    kind: 'failed',
    error: /not allowed/,
  })
  t.equal(calls, 0)
})

t.test('a receiver that never answers is given up in time, and a redirect is not followed', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/elsewhere' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const caller = createWebhookCaller({ allowedRanges: ['127.0.0.0/8'], timeoutMs: 500 })
  t.teardown(() => caller.close())
  t.match(await caller.post({ url: `http://127.0.0.1:${port}/silent`, headers: {}, body: '{}' }), { kind: 'failed' })
  t.same(await caller.post({ url: `http://127.0.0.1:${port}/moved`, headers: {}, body: '{}' }), {
    kind: 'answered',
    status: 302,
  })
})
