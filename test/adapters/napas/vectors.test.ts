import t from 'tap'
import { openEnvelope } from '../../../adapters/napas/envelope.ts'
import { napas } from '../../../adapters/napas/index.ts'
import { browserResult, context, makeAccount, notice, vectors } from './vectors.ts'

t.test('published vectors', async (t) => {
  t.equal(vectors.length, 3)
  const kinds = vectors.map((vector) => {
    const name = `${vector.id}: ${vector.note}`
    const body = JSON.stringify(vector.input.body)
    const account = makeAccount(vector.key)
    const accepted = vector.expected.signature === 'accept'
    const opened = openEnvelope(Buffer.from(body), vector.key.clientSecret)
    t.equal(opened.ok, accepted, name)
    if (opened.ok) t.same(opened.content, vector.expected.decoded, `${name}, decoded`)

    const reading = napas.readCallback(notice(body), account, context)
    t.equal(reading.kind, accepted ? 'outcome' : 'refused', name)
    const brought = napas.readCallback(browserResult(body), account, context)
    t.equal(brought.kind, accepted ? 'ignored' : 'refused', `${name}, by the browser`)
    if (reading.kind === 'refused') t.equal(reading.reason, 'signature')
    return reading.kind === 'outcome' ? [reading.outcome.kind, reading.outcome.railTransactionId] : null
  })
  // The second names no gateway code: a success without one is asked about before it counts.
  t.same(kinds, [['succeeded', 'INV202503100001:1'], ['pending', 'INV202503100002'], null])
})
