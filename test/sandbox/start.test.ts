import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findAdapter } from '../../adapters/registry.ts'
import { openSandboxKeys } from '../../src/sandbox/keys.ts'
import { runSandbox, sandboxPorts } from '../../src/sandbox/run.ts'
import { startSandbox } from '../../src/sandbox/start.ts'

function folder(t: Test): string {
  const made = mkdtempSync(join(tmpdir(), 'feegate-sandbox-'))
  t.teardown(() => rmSync(made, { recursive: true }))
  return made
}

t.test('the configuration each bank gives is one its adapter takes', async (t) => {
  const sandbox = await startSandbox()
  t.teardown(() => sandbox.close())
  for (const [rail, config] of [
    ['vnpay', sandbox.vnpay.accountConfig()],
    ['vietqr', sandbox.vietqr.accountConfig()],
    ['vietinbank', sandbox.vietinbank.accountConfig()],
    ['bill-pull', sandbox.billPull.accountConfig()],
  ] as const) {
    const parsed = findAdapter(rail)?.accountSchema.safeParse(config)
    t.ok(parsed?.success, `${rail}: ${parsed?.error?.message ?? ''}`)
  }
  const index = await (await fetch(sandbox.baseUrl)).text()
  for (const { baseUrl } of [sandbox.vnpay, sandbox.vietqr, sandbox.vietinbank, sandbox.dossier, sandbox.issuer]) {
    t.match(index, `href="${baseUrl}"`)
    t.equal((await fetch(baseUrl)).status, 200)
  }
})

t.test('switches are set on a partner’s own page', async (t) => {
  const sandbox = await startSandbox()
  t.teardown(() => sandbox.close())
  const form = new URLSearchParams({ slowMs: '20', clockSkewMs: '-60000', badSignature: 'on' })
  await fetch(`${sandbox.vnpay.baseUrl}/sandbox/misbehave`, { method: 'POST', body: form })
  t.match(sandbox.vnpay.behaviour.current, { slowMs: 20, clockSkewMs: -60_000, badSignature: true, answer500: false })
  t.match(await (await fetch(sandbox.vnpay.baseUrl)).text(), 'name="badSignature" checked')
})

t.test('a given public key of the gateway is used and no private key is handed out', async (t) => {
  const sandbox = await startSandbox({ publicKeys: { vietinbank: '-----BEGIN PUBLIC KEY-----' } })
  t.teardown(() => sandbox.close())
  t.equal(sandbox.vietinbank.accountConfig().privateKeyPem, undefined)
})

t.test('a port in use stops the start and leaves nothing listening', async (t) => {
  const first = await startSandbox()
  t.teardown(() => first.close())
  const taken = Number(new URL(first.vnpay.baseUrl).port)
  await t.rejects(startSandbox({ ports: { issuer: taken } }), { code: 'EADDRINUSE' })
})

t.test('keys outlive a restart and are for their owner only', async (t) => {
  const file = join(folder(t), 'in', 'sandbox-keys.json')
  const made = await openSandboxKeys(file, (length) => new Uint8Array(length).fill(7))
  t.same(await openSandboxKeys(file, () => new Uint8Array()), made)
  t.equal(statSync(file).mode & 0o777, 0o600)
})

t.test('the runner prints where everything is and stops when told', async (t) => {
  const stop = new AbortController()
  const lines: string[] = []
  const ports = Object.fromEntries(Object.keys(sandboxPorts).map((name) => [name, 0]))
  const running = runSandbox({
    ...{ ports, folder: folder(t), gatewayUrl: 'http://127.0.0.1:8080/', signal: stop.signal },
    print(line) {
      lines.push(line)
      if (line.includes('callbacks go to')) stop.abort()
    },
  })
  await running
  for (const part of ['vnpay', '/app', 'vietinbank', '/webhooks', 'officers', 'http://127.0.0.1:8080'])
    t.match(lines.join('\n'), part)
})

t.test('the simulators import nothing of the gateway and nothing of the adapters', async (t) => {
  const root = new URL('../../src/sandbox/', import.meta.url)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('demo'),
  )
  t.ok(files.length > 15)
  for (const file of files) {
    const text = readFileSync(new URL(file, root), 'utf8')
    for (const [, from = ''] of text.matchAll(/from '(\.[^']*)'/g)) {
      const target = new URL(from, new URL(file, root))
      t.ok(target.pathname.startsWith(root.pathname), `${file} imports ${from}`)
    }
  }
})
