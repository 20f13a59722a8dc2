/** `feegate sandbox` as a new user meets it: beside a running gateway, joined by what it prints and writes, and nothing else. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { testGateway } from '../harness/gateway.ts'
import { follow, open, press, submit } from '../sandbox/browser.ts'

const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))

type Running = { readonly process: ChildProcess; readonly out: string; ended: Promise<number | null> }

/** Resolves once the sandbox has printed all it prints. */
async function startSandbox(t: Test, args: readonly string[], variables: Record<string, string>): Promise<Running> {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: undefined, ...variables }
  const child = spawn(process.execPath, [program, 'sandbox', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8')
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  for (let waited = 0; !/\nrailAccounts:\n\[[\s\S]*\n\]\n/.test(out); waited += 50) {
    if (child.exitCode !== null || waited > 60_000) throw new Error(`the sandbox did not start: ${out}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { process: child, out, ended }
}

function addressOf(out: string, name: string): string {
  const [, url = ''] = new RegExp(`^ {2}${name} +(http\\S+)$`, 'm').exec(out) ?? []
  return url
}

t.test(
  'it is joined to a gateway by its directory file, its webhook and its pages, and a payment goes through',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'feegate-sandbox-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const gateway = await testGateway(t, { background: true })
    // What it signs and checks has the real time in it.
    gateway.environment.set(new Date())
    const directoryFile = join(folder, 'directory.json')
    const args = ['--port', '0', '--directory', directoryFile, '--agency', 'H56.15', '--beneficiary', 'bac_h56-15']
    const { process: child, out, ended } = await startSandbox(t, args, { GATEWAY_URL: gateway.url, DATA_DIR: folder })

    const directory = JSON.parse(readFileSync(directoryFile, 'utf8'))
    t.same(
      JSON.parse(out.slice(out.indexOf('railAccounts:\n') + 14)),
      directory.railAccounts,
      'printed and written alike',
    )
    await gateway.load(directory)

    const endpoint = await gateway.api('POST', '/v1/webhook-endpoints', { url: addressOf(out, 'webhooks') })
    const dossierPage = new URL(addressOf(out, 'webhooks')).origin
    await submit(await open(dossierPage), '/sandbox/secret', { secret: String(endpoint.json.secret) })

    const invoice = await gateway.api('POST', '/v1/invoices', {
      ...{ dossierCode: 'H56.15-261120-0001', procedureCode: '1.004194', collectingAgencyCode: 'H56.15' },
      ...{
        collectionMode: 'UPFRONT',
        submitter: { name: 'Nguyễn Văn An' },
        items: [{ feeCode: 'temporary-residence' }],
      },
    })
    t.equal(invoice.status, 201, invoice.text)
    const chosen = await press(await open(String(invoice.json.payUrl)), 'rail', 'vnpay-sandbox')
    const paid = await press(await follow(chosen, addressOf(out, 'vnpay-sandbox')), 'way', 'success')
    t.match(paid.html, 'Đã thanh toán')
    let dossiers = ''
    for (let waited = 0; !dossiers.includes('>PAID<') && waited < 10_000; waited += 100) {
      dossiers = (await open(dossierPage)).html
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    t.match(dossiers, '>PAID<', 'the dossier system heard it')

    child.kill('SIGTERM')
    t.equal(await ended, 0, 'it stops when told')
  },
)

t.test('a wrong option is named and nothing starts', async (t) => {
  const child = spawn(process.execPath, [program, 'sandbox', '--port', 'x'], {
    env: { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: undefined },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString('utf8')
  })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  t.equal(code, 1)
  t.match(complaint, /--port.*not a port/)
})
