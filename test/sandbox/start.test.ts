import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { allAdapters, findAdapter } from '../../adapters/registry.ts'
import { openSandboxKeys } from '../../src/sandbox/keys.ts'
import { railAccountsOf, sandboxRails } from '../../src/sandbox/rail-list.ts'
import { runSandbox } from '../../src/sandbox/run.ts'
import { startSandbox } from '../../src/sandbox/start.ts'

function folder(t: Test): string {
  const made = mkdtempSync(join(tmpdir(), 'feegate-sandbox-'))
  t.teardown(() => rmSync(made, { recursive: true }))
  return made
}

const place = { agencyCode: 'H56.14', beneficiaryAccountId: 'bac_stp-fees' }

t.test('the configuration each partner gives is one its adapter takes, for every rail there is', async (t) => {
  const sandbox = await startSandbox()
  t.teardown(() => sandbox.close())
  const entries = railAccountsOf(sandbox, place)
  for (const { id, rail, config } of entries) {
    const parsed = findAdapter(rail)?.accountSchema.safeParse(config)
    t.ok(parsed?.success, `${id}: ${parsed?.error?.message ?? ''}`)
  }
  t.equal(new Set(entries.map(({ id }) => id)).size, entries.length)
  t.same(
    new Set(entries.map(({ rail }) => rail)),
    new Set(
      allAdapters()
        .filter(({ capabilities }) => capabilities.callback)
        .map(({ name }) => name),
    ),
    'no rail with another machine is without a partner',
  )
})

t.test('the index links every partner, and every partner has a page', async (t) => {
  const sandbox = await startSandbox()
  t.teardown(() => sandbox.close())
  const index = await (await fetch(sandbox.baseUrl)).text()
  const partners = [...sandboxRails.map(({ partner }) => sandbox[partner]), sandbox.dossier, sandbox.issuer]
  for (const { baseUrl } of partners) {
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

t.test('keys of partners that are new are added to a file made before them', async (t) => {
  const file = join(folder(t), 'sandbox-keys.json')
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(7)
  const { momo: _, ...older } = await openSandboxKeys(file, random)
  writeFileSync(file, JSON.stringify(older))
  const keys = await openSandboxKeys(file, random)
  t.match(keys, older, 'what the gateway knows stays')
  t.match(keys.momo, { partnerCode: 'FGSANDBOX' })
  t.same(JSON.parse(readFileSync(file, 'utf8')), keys)
})

type Run = { readonly lines: string[]; readonly railAccounts: unknown }

/** Runs until everything is printed. */
async function run(over: Partial<Parameters<typeof runSandbox>[0]> & { folder: string }): Promise<Run> {
  const stop = new AbortController()
  const lines: string[] = []
  await runSandbox({
    ...{ firstPort: 0, gatewayUrl: 'http://127.0.0.1:8080/', signal: stop.signal, ...over },
    print(line) {
      lines.push(line)
      if (lines.at(-2) === 'railAccounts:') stop.abort()
    },
  })
  return { lines, railAccounts: JSON.parse(lines.at(-1) ?? '') }
}

t.test('the runner prints where everything is and the rail accounts of every partner', async (t) => {
  const { lines, railAccounts } = await run({ folder: folder(t) })
  for (const part of [
    ...['all pages', '/app', '/phone', '/counter', '/webhooks', 'OFFICER_ISSUER=http://127.0.0.1:'],
    ...['http://127.0.0.1:8080', 'WEBHOOK_ALLOWED_RANGES'],
  ])
    t.match(lines.join('\n'), part)
  t.match(
    railAccounts,
    sandboxRails.map(({ rail }) => ({ rail, beneficiaryAccountId: 'bac_stp-fees' })),
  )
})

t.test('a directory file is written once; one that says something else is left alone', async (t) => {
  const where = folder(t)
  const directoryFile = join(where, 'directory.json')
  const { railAccounts } = await run({ folder: where, directoryFile, place: { agencyCode: 'H56.15' } })
  const written = JSON.parse(readFileSync(directoryFile, 'utf8'))
  t.match(written, { format: 'feegate-directory/1', agencies: [{ code: 'H56.15' }], railAccounts })
  t.equal(statSync(directoryFile).mode & 0o777, 0o600, 'it holds secrets')
  writeFileSync(directoryFile, '{}')
  await t.rejects(run({ folder: where, directoryFile }), { code: 'DIRECTORY_EXISTS' })
  t.equal(readFileSync(directoryFile, 'utf8'), '{}')
})
