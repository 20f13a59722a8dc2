/** A real gateway process that is killed: what it acknowledged survives, and the dossier system hears it once. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHmac, createPrivateKey, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { anInvoice, callApi, testDirectory } from '../harness/gateway.ts'
import { testReceiver } from '../harness/receiver.ts'

const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))
const catalogue = fileURLToPath(new URL('../../src/sandbox/data/illustrative-catalogue.json', import.meta.url))
const vnpaySecret = 'V'.repeat(32)

type Running = { readonly child: ChildProcess; readonly url: string; readonly log: () => string }

function variables(folder: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DATA_DIR: folder,
    PORT: '0',
    WEBHOOK_ALLOWED_RANGES: '127.0.0.0/8',
    WEBHOOK_TIMEOUT_MS: '1000',
    NODE_OPTIONS: '',
    NODE_V8_COVERAGE: undefined,
  }
}

async function serve(folder: string): Promise<Running> {
  const child = spawn(process.execPath, [program, 'serve'], {
    env: variables(folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  const url = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      log += chunk.toString()
      const found = /"publicUrl":"([^"]+)"/.exec(log)
      if (found?.[1] !== undefined) resolve(found[1])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('exit', (code) => reject(new Error(`the gateway ended (${code}): ${log}`)))
  })
  return { child, url, log: () => log }
}

async function end({ child }: Running, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  child.kill(signal)
  return await gone
}

const feegate = async (folder: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [program, ...args], { env: variables(folder) })).stdout

async function folderOf(t: Test): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-kill-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function token(url: string, clientId: string, keyFile: string): Promise<string> {
  const jwk = JSON.parse(readFileSync(keyFile, 'utf8')) as JWK
  const { d: _private, ...open } = jwk
  const assertion = await new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: await calculateJwkThumbprint(open) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(url)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(createPrivateKey({ key: jwk, format: 'jwk' }))
  const answer = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

t.test(
  'killed between the acknowledgement to the bank and the webhook, the gateway tells the dossier system after its restart',
  async (t) => {
    const folder = await folderOf(t)
    const receiver = await testReceiver(t)
    let running = await serve(folder)
    t.teardown(() => end(running, 'SIGKILL').catch(() => null))
    const file = join(folder, 'directory.json')
    writeFileSync(file, JSON.stringify(testDirectory({ vnpaySecret })))
    t.match(await feegate(folder, 'directory', 'load', file), 'loaded')
    t.match(await feegate(folder, 'catalogue', 'load', catalogue, '--tenant', 'ten_thanhhoa'), 'ILLUSTRATIVE')
    const key = join(folder, 'portal.jwk')
    const added = await feegate(
      folder,
      'clients',
      'add',
      '--tenant',
      'ten_thanhhoa',
      '--name',
      'Portal',
      '--new-key',
      key,
    )
    const clientId = /cli_\w+/.exec(added)?.[0] ?? ''
    const api = async (method: string, path: string, body: unknown) =>
      callApi(running.url, method, path, body, { authorization: `Bearer ${await token(running.url, clientId, key)}` })

    const day = new Date().toISOString().slice(2, 10).replaceAll('-', '')
    const invoice = await api('POST', '/v1/invoices', anInvoice({ dossierCode: `H56.14-${day}-0001` }))
    t.equal(invoice.status, 201, invoice.text)
    const payment = await api('POST', `/v1/invoices/${String(invoice.json.id)}/payments`, {
      railAccountId: 'vnpay-h56-14',
      payerIp: '203.0.113.7',
    })
    t.equal((await api('POST', '/v1/webhook-endpoints', { url: receiver.url })).status, 201)
    // The dossier system is down when the bank calls.
    receiver.answerWith(0, 0, 0)
    const fields = {
      vnp_TmnCode: 'TESTGW01',
      vnp_Amount: '700000',
      vnp_BankCode: 'NCB',
      vnp_OrderInfo: 'x',
      vnp_TransactionNo: '1',
      vnp_ResponseCode: '00',
      vnp_TransactionStatus: '00',
      vnp_TxnRef: String(payment.json.merchantRef),
      vnp_PayDate: '20261120120130',
    }
    const query = new URLSearchParams(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))).toString()
    const signed = `${query}&vnp_SecureHash=${createHmac('sha512', vnpaySecret).update(query).digest('hex')}`
    const acknowledged = await callApi(running.url, 'GET', `/callbacks/vnpay/vnpay-h56-14?${signed}`)
    t.match(acknowledged.text, '"00"')
    await end(running, 'SIGKILL')

    running = await serve(folder)
    t.match(running.log(), 'taken over', 'the PostgreSQL that was left running is taken over')
    const isPaid = (): string[] =>
      receiver.received
        .filter(({ body }) => body.includes('invoice.paid'))
        .map(({ body }) => (JSON.parse(body) as { id: string }).id)
    const deliveredAfter = receiver.received.length
    for (let waited = 0; receiver.received.length === deliveredAfter && waited < 30_000; waited += 100)
      await new Promise((resolve) => setTimeout(resolve, 100))
    t.equal(new Set(isPaid()).size, 1, 'one event id, however often it was tried')
    t.match((await api('GET', `/v1/invoices/${String(invoice.json.id)}`, undefined)).json, { status: 'PAID' })
    const again = await callApi(running.url, 'GET', `/callbacks/vnpay/vnpay-h56-14?${signed}`)
    t.match(again.text, '"02"')
    t.equal(await end(running, 'SIGTERM'), 0, 'stops cleanly')
    t.match(running.log(), 'FeeGate has stopped')
  },
)
