import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import t from 'tap'
import { type InclusionProof, verifyProvenReceipt } from '../../src/journal/proof.ts'
import { sealDue } from '../../src/journal/seal.ts'
import { createMetrics } from '../../src/metrics.ts'
import { issueDue } from '../../src/receipt/issue.ts'
import { keysOfJwks } from '../../src/signing/compact-jws.ts'
import { createTokens } from '../../src/signing/tokens.ts'
import { anInvoice, type TestGateway, testGateway } from '../harness/gateway.ts'
import { journalBench } from '../harness/journal.ts'

type Proven = { jws: string; proof: InclusionProof }

const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))
const feegate = (args: readonly string[], variables: Record<string, string> = {}) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_V8_COVERAGE: undefined, ...variables }
    execFile(process.execPath, [program, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err }),
    )
  })

/** A paid invoice whose receipt is issued; sealing is the test's. */
async function paid(t: import('tap').Test) {
  const gateway = await testGateway(t)
  const issued = await gateway.api('POST', '/v1/invoices', anInvoice())
  const { id, payCode, total } = issued.json as unknown as { id: string; payCode: string; total: number }
  await gateway.gateway.settler.settle({
    transferRail: false,
    outcome: {
      rail: 'vnpay',
      accountId: 'vnpay-h56-14',
      merchantRef: payCode,
      railTransactionId: `T${payCode}`,
      kind: 'succeeded',
      amount: BigInt(total),
      currency: 'VND',
      paidAt: gateway.environment.now(),
      source: 'CALLBACK',
      evidence: {},
    },
  })
  const options = {
    database: gateway.database,
    environment: gateway.environment,
    sign: createTokens(gateway.keys).sign,
    publicUrl: () => gateway.url,
    metrics: createMetrics(),
    log: pino({ level: 'silent' }),
  }
  await issueDue(options)
  return { gateway, id, seal: () => sealDue(options) }
}

const receiptOf = async (gateway: TestGateway, id: string): Promise<Proven> => {
  const { receipts } = (await gateway.api('GET', `/v1/invoices/${id}/receipts`)).json as unknown as {
    receipts: Proven[]
  }
  if (receipts[0] === undefined) throw new Error('no receipt')
  return receipts[0]
}

t.test('a receipt has no proof until it is sealed, then one that holds with the published keys alone', async (t) => {
  const { gateway, id, seal } = await paid(t)
  t.equal((await receiptOf(gateway, id)).proof, null)
  await seal()
  const jwks = (await (await fetch(`${gateway.url}/.well-known/jwks.json`)).json()) as { keys: unknown[] }
  const verdict = verifyProvenReceipt(await receiptOf(gateway, id), keysOfJwks(jwks))
  t.match(verdict, { valid: true, batch: 1n, receipt: { invoiceId: id } })
})

t.test('one changed bit in receipt, entry, place, path or checkpoint makes the proof fail', async (t) => {
  const { gateway, id, seal } = await paid(t)
  await seal()
  const genuine = await receiptOf(gateway, id)
  const find = keysOfJwks(gateway.keys.publicJwks())
  const flips = (text: string): string[] =>
    Array.from({ length: 40 }, (_, step) => {
      const at = Math.floor((step * (text.length - 1)) / 39)
      return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
    })
  const { proof } = genuine
  const changed: Proven[] = [
    ...flips(genuine.jws).map((jws) => ({ ...genuine, jws })),
    ...flips(proof.entry).map((entry) => ({ ...genuine, proof: { ...proof, entry } })),
    ...flips(proof.checkpoint).map((checkpoint) => ({ ...genuine, proof: { ...proof, checkpoint } })),
    ...proof.path.flatMap((hash, place) =>
      flips(hash).map((other) => ({ ...genuine, proof: { ...proof, path: proof.path.with(place, other) } })),
    ),
    { ...genuine, proof: { ...proof, index: proof.index ^ 1 } },
    { ...genuine, proof: { ...proof, batch: proof.batch + 1 } },
    { ...genuine, proof: { ...proof, path: proof.path.slice(1) } },
  ]
  t.ok(proof.path.length > 0)
  t.same(
    changed.filter((one) => verifyProvenReceipt(one, find).valid),
    [],
  )
})

t.test('the proof of one receipt is none for another', async (t) => {
  const { gateway, id, seal } = await paid(t)
  await seal()
  const one = await receiptOf(gateway, id)
  const other = await paid(t)
  await other.seal()
  const find = (kid: string) => gateway.keys.find(kid) ?? other.gateway.keys.find(kid)
  const stranger = await receiptOf(other.gateway, other.id)
  t.match(verifyProvenReceipt({ jws: stranger.jws, proof: one.proof }, find), {
    valid: false,
    reason: 'the entry is not that of this receipt',
  })
})

t.test('feegate verify checks a receipt with its proof offline', async (t) => {
  const { gateway, id, seal } = await paid(t)
  await seal()
  const folder = t.testdir()
  const files = { jwks: join(folder, 'jwks.json'), good: join(folder, 'good.json'), bad: join(folder, 'bad.json') }
  const receipt = await receiptOf(gateway, id)
  writeFileSync(files.jwks, JSON.stringify(gateway.keys.publicJwks()))
  writeFileSync(files.good, JSON.stringify(receipt))
  const { entry } = receipt.proof
  writeFileSync(
    files.bad,
    JSON.stringify({ ...receipt, proof: { ...receipt.proof, entry: entry.replace('7000', '7001') } }),
  )
  t.match(await feegate(['verify', files.good, '--jwks', files.jwks]), { code: 0, out: /^VALID receipt, in batch 1 / })
  t.match(await feegate(['verify', files.bad, '--jwks', files.jwks]), { code: 1, out: /^NOT VALID/ })
})

t.test('a witness keeps checkpoints, and finds a journal that was written anew', async (t) => {
  const journal = await journalBench(t)
  const folder = t.testdir()
  const files = { jwks: join(folder, 'jwks.json'), old: join(folder, 'old.jsonl'), now: join(folder, 'now.jsonl') }
  writeFileSync(files.jwks, JSON.stringify(journal.keys.publicJwks()))
  const store = { DATABASE_URL: journal.url, DATA_DIR: folder }
  const keys = ['--jwks', files.jwks]
  await journal.append(10)
  await journal.seal(5)
  const old = await feegate(['journal', 'export', '--checkpoints'], store)
  t.equal(old.out.trim().split('\n').length, 2, old.err)
  writeFileSync(files.old, old.out)
  await journal.append(10, 11)
  await journal.seal(5)
  writeFileSync(files.now, (await feegate(['journal', 'export', '--checkpoints', '--after', '1'], store)).out)
  const extends2to4 = { code: 0, out: 'EXTENDS batch 2 up to batch 4\n' }
  t.match(await feegate(['journal', 'consistency', '--from', files.old, ...keys], store), extends2to4)
  t.match(await feegate(['journal', 'consistency', '--from', files.old, '--with', files.now, ...keys]), extends2to4)
  t.match(await feegate(['journal', 'verify', ...keys], store), { code: 0, out: /^VALID 20 entries in 4 batches/ })

  await journal.tamper(`UPDATE journal_entries SET body = replace(body, ':12}', ':13}') WHERE seq = 12`)
  t.match(await feegate(['journal', 'verify', ...keys], store), {
    code: 1,
    out: /^CHANGED entry 12, inv_12, batch 3: /,
  })

  // All of it thrown away and sealed anew with the real key: only the witness can tell.
  await journal.tamper(
    'TRUNCATE journal_places, journal_checkpoints, journal_batches, journal_unsealed, journal_entries RESTART IDENTITY',
  )
  await journal.append(20, 101)
  await journal.seal(5)
  t.match(await feegate(['journal', 'verify', ...keys], store), { code: 0 })
  t.match(await feegate(['journal', 'consistency', '--from', files.old, ...keys], store), {
    code: 1,
    out: /^DOES NOT EXTEND: batch 2 is not the one/,
  })
})
