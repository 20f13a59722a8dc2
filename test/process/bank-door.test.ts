/** A gateway process that hears a bank by its certificate. */
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Agent, request } from 'undici'
import { readCertificates, spkiPin } from '../../src/signing/certificates.ts'
import { makeDemoCertificates } from '../../src/signing/demo-certificates.ts'
import { testDirectory } from '../harness/gateway.ts'
import { house, serving } from '../harness/process.ts'

t.test('a gateway process hears a bank by its certificate, tells what ends, and stops cleanly', async (t) => {
  const { folder, variables, feegate } = await house(t)
  const demo = join(folder, 'demo')
  t.match(await feegate(['certs', 'demo', '--out', demo]), { code: 0, out: /agency-signing\.p12/ })
  const file = (name: string): string => join(demo, name)
  const shown = await feegate(['certs', 'show', file('bank-a-client.crt.pem')])
  const [bankA] = readCertificates(readFileSync(file('bank-a-client.crt.pem')))
  if (bankA === undefined) throw new Error('no certificate')
  t.match(shown.out, `spki     ${spkiPin(bankA)}`)
  t.match(shown.out, /subject {2}CN=Demo Bank A, O=FeeGate DEMO, C=VN/)
  t.match(shown.out, /DEMO/)

  const directory = testDirectory()
  const bound = directory.railAccounts.map((account) => ({
    ...account,
    clientCertificates: [{ spki: spkiPin(bankA) }],
  }))
  writeFileSync(join(folder, 'directory.json'), JSON.stringify({ ...directory, railAccounts: bound }))
  t.match(await feegate(['directory', 'load', join(folder, 'directory.json')]), { code: 0 })
  const tls = {
    BANK_TLS_PORT: '0',
    BANK_TLS_CERT: file('gateway-server.crt.pem'),
    BANK_TLS_KEY: file('gateway-server.key.pem'),
    BANK_TLS_CA: file('ca.crt.pem'),
    BANK_TLS_CRL: file('ca.crl.pem'),
  }
  const running = await serving(t, { ...variables, ...tls })
  const [, port = ''] = await running.line(/"door":"bank".*?"port":(\d+)/)
  const [, url = ''] = await running.line(/"publicUrl":"([^"]+)"/)
  const callAs = async (name: string | null): Promise<number> => {
    const agent = new Agent({
      connect: {
        ca: readFileSync(file('ca.crt.pem')),
        ...(name === null
          ? {}
          : { cert: readFileSync(file(`${name}.crt.pem`)), key: readFileSync(file(`${name}.key.pem`)) }),
      },
    })
    const address = `https://localhost:${port}/callbacks/vnpay/vnpay-h56-14?x=1`
    const { statusCode, body } = await request(address, { dispatcher: agent })
    await body.dump()
    await agent.close()
    return statusCode
  }
  t.equal(await callAs('bank-a-client'), 200)
  t.equal(await callAs('bank-b-client'), 404)
  for (const name of ['expired-client', 'wrong-purpose-client', 'foreign-ca-client', 'revoked-client', null])
    t.equal(await callAs(name), 403, String(name))
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.match(metrics, /feegate_days_left\{kind="certificate",name="BANK_TLS_CERT [^"]*CN=localhost[^"]*"\} 36\d/)
  t.match(metrics, /feegate_days_left\{kind="list",name="BANK_TLS_CRL [^"]*"\} 36\d/)

  const check = await feegate(['certs', 'check'], tls)
  t.equal(check.code, 0)
  t.match(check.out, /36\d days {2}certificate {2}BANK_TLS_CERT .*DEMO/)
  const late = await feegate(['certs', 'check'], { ...tls, BANK_TLS_CERT: file('expired-client.crt.pem') })
  t.match(late, { code: 1, out: /ENDED/ })
  const ended = new Promise<number | null>((resolve) => running.child.once('exit', (code) => resolve(code)))
  running.child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.match(running.log(), 'FeeGate has stopped')
})

t.test('a listener that cannot start ends the process with a sentence, and nothing is left running', async (t) => {
  const { folder, feegate } = await house(t)
  const demo = join(folder, 'demo')
  makeDemoCertificates(demo, new Date())
  const busy = createServer()
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => busy.close(resolve)))
  const ended = await feegate(['serve'], {
    BANK_TLS_PORT: String((busy.address() as AddressInfo).port),
    BANK_TLS_CERT: join(demo, 'gateway-server.crt.pem'),
    BANK_TLS_KEY: join(demo, 'gateway-server.key.pem'),
    BANK_TLS_CA: join(demo, 'ca.crt.pem'),
  })
  t.match(ended, { code: 1, err: /EADDRINUSE/ })
})
