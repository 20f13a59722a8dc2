/** Every vector of test/fixtures/vectors/rails against the adapter of its rail: whatever is put there is run, and none is passed over. */
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { napasRunners, onepayRunners, vnpayRunners } from './rail-vectors/gateways.ts'
import { payosRunners, sepayRunners, vietqrRunners, vietqrvnRunners } from './rail-vectors/transfers.ts'
import { fileSchema, type Runners } from './rail-vectors/vector.ts'
import { vietinbankRunners } from './rail-vectors/vietinbank.ts'
import { momoRunners, zalopayRunners } from './rail-vectors/wallets.ts'

const runnersOf: Readonly<Record<string, Runners>> = {
  'momo.json': momoRunners,
  'napas.json': napasRunners,
  'onepay.json': onepayRunners,
  'payos.json': payosRunners,
  'sepay.json': sepayRunners,
  'vietinbank.json': vietinbankRunners,
  'vietqr.json': vietqrRunners,
  'vietqrvn.json': vietqrvnRunners,
  'vnpay.json': vnpayRunners,
  'zalopay.json': zalopayRunners,
}

const folder = new URL('../fixtures/vectors/rails/', import.meta.url)

for (const name of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  t.test(name, async (t) => {
    const file = fileSchema.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
    let run = 0
    for (const vector of file.vectors) {
      const runner = runnersOf[name]?.[vector.op]
      if (runner === undefined) continue
      run += 1
      t.same(runner(vector, file), [], `${vector.id}: ${vector.note}`)
    }
    t.equal(run, file.vectors.length, 'every vector was run')
    t.ok(run > 0)
  })
}
