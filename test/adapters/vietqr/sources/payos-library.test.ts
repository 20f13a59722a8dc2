/** The same webhooks through payOS's own library. */
import { PayOS } from '@payos/node'
import fc from 'fast-check'
import t from 'tap'
import { payosText } from '../../../../adapters/vietqr/sources/payos.ts'
import { hmac, post, read, sources, verdictOf } from '../samples.ts'

const { checksumKey } = sources.payos
const library = new PayOS({ clientId: 'client', apiKey: 'key', checksumKey })

async function libraryAccepts(body: object): Promise<boolean> {
  try {
    // The library's types name the fields; what arrives may hold others.
    await Reflect.apply(library.webhooks.verify, library.webhooks, [body])
    return true
  } catch {
    // It throws for each webhook that it does not accept.
    return false
  }
}

const leaf = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, 'null', 'undefined', '', 'a=b&c', 'Lệ phí', 0),
)
const name = fc.oneof(
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,8}$/),
  fc.constantFrom('Upper', 'lower', '10', '9', 'đ'),
)
const item = fc.oneof(fc.dictionary(name, leaf, { maxKeys: 4 }), fc.string({ maxLength: 4 }), fc.integer())
const data = fc.dictionary(name, fc.oneof({ weight: 5, arbitrary: leaf }, fc.array(item, { maxLength: 3 })), {
  minKeys: 1,
  maxKeys: 12,
})

t.test('law: the library signs the same text, whatever the fields hold', async () => {
  await fc.assert(
    fc.asyncProperty(data, async (fields) => {
      const signature = hmac(checksumKey, payosText(fields))
      if (!(await libraryAccepts({ data: fields, signature }))) throw new Error(payosText(fields))
    }),
    { numRuns: 2_000 },
  )
})

t.test('law: the library signs requests for payment links the same way', async () => {
  const order = fc.record({
    orderCode: fc.nat(),
    amount: fc.nat(),
    description: fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => text !== 'null' && text !== 'undefined'),
    cancelUrl: fc.webUrl({ withQueryParameters: true }),
    returnUrl: fc.webUrl({ withQueryParameters: true }),
  })
  await fc.assert(
    fc.asyncProperty(order, async (fields) => {
      const theirs = await library.crypto.createSignatureOfPaymentRequest(fields, checksumKey)
      if (theirs !== hmac(checksumKey, payosText(fields))) throw new Error(payosText(fields))
    }),
  )
})

const notice = {
  orderCode: 10001,
  amount: 150000,
  description: 'HS0001',
  accountNumber: '113366668888',
  reference: 'FT25069000001',
  transactionDateTime: '2025-03-10 09:15:02',
  currency: 'VND',
  paymentLinkId: '0f0e0d0c0b0a09080706050403020100',
  code: '00',
  desc: 'Thành công',
}

t.test('library and adapter agree on webhooks, signed or changed', async (t) => {
  const signature = hmac(checksumKey, payosText(notice))
  const cases: [string, object][] = [
    ['as it is', { data: notice, signature }],
    ['in another order', { data: Object.fromEntries(Object.entries(notice).reverse()), signature }],
    ['with another amount', { data: { ...notice, amount: 1 }, signature }],
    ['with a field more', { data: { ...notice, extra: 1 }, signature }],
    ['with an empty field more', { data: { ...notice, extra: null }, signature }],
    ['in upper case', { data: notice, signature: signature.toUpperCase() }],
    ['without its signature', { data: notice }],
    ['with ordinary signs in the text', signed({ ...notice, description: 'HS 1 & 2 = R&D, a=b&c=d' })],
  ]
  for (const [what, body] of cases) {
    const ours = verdictOf(read(post(JSON.stringify(body)), sources.payos)) === 'outcome'
    t.equal(ours, await libraryAccepts(body), what)
  }
})

function signed(fields: Record<string, unknown>): object {
  return { data: fields, signature: hmac(checksumKey, payosText(fields)) }
}
