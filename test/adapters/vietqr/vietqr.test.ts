import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import jsQR from 'jsqr'
import t from 'tap'
import { encode } from 'uqr'
import { QRPay } from 'vietnam-qr-pay'
import type { AdapterContext, RawRequest } from '../../../adapters/contract.ts'
import { buildVietQr } from '../../../adapters/vietqr/build.ts'
import { crc16 } from '../../../adapters/vietqr/crc.ts'
import { vietqr } from '../../../adapters/vietqr/index.ts'
import { parseVietQr } from '../../../adapters/vietqr/parse.ts'
import { foldToLatin } from '../../../src/domain/fold.ts'
import { makePayCode } from '../../../src/domain/pay-code.ts'

type Vector = {
  id: string
  op: string
  note: string
  input: Record<string, unknown>
  key?: Record<string, string>
  expected: Record<string, unknown>
}
const vectors = (rail: string): Vector[] =>
  JSON.parse(readFileSync(new URL(`../../fixtures/vectors/rails/${rail}.json`, import.meta.url), 'utf8')).vectors

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

for (const { id, op, note, input, expected } of vectors('vietqr')) {
  t.test(`vector ${id}: ${note}`, async (t) => {
    if (op === 'crc16-ccitt-false') t.equal(crc16(text(input.text)), expected.crc)
    if (op === 'parse') {
      const reading = parseVietQr(text(input.payload))
      t.equal(reading.ok, expected.valid)
      if (reading.ok) {
        const { ok: _ok, amount, ...fields } = reading
        const { valid: _valid, ...wanted } = expected
        t.same({ ...fields, amount: amount?.toString() ?? null }, wanted)
      } else t.equal(reading.reason, expected.reason)
    }
    if (op === 'build') {
      const optional = Object.fromEntries(
        Object.entries({
          purpose: input.rawPurpose ?? input.purpose,
          billNumber: input.billNumber,
          storeLabel: input.storeLabel,
          terminalLabel: input.terminalLabel,
          merchantName: input.merchantName,
          merchantCity: input.merchantCity,
          merchantCategory: input.mcc,
        }).filter(([, value]) => typeof value === 'string'),
      )
      const payload = buildVietQr({
        bankBin: text(input.bankBin),
        account: text(input.account),
        amount: typeof input.amountVnd === 'string' ? BigInt(input.amountVnd) : null,
        service: input.service === 'QRIBFTTC' ? 'QRIBFTTC' : 'QRIBFTTA',
        ...optional,
      })
      t.equal(payload, expected.payload)
      if (expected.sanitisedPurpose !== undefined)
        t.equal(foldToLatin(text(input.rawPurpose), 25), expected.sanitisedPurpose)
    }
  })
}

const account = (over: object = {}) => ({
  id: 'vietqr-test',
  config: vietqr.accountSchema.parse({
    bankBin: '970415',
    accountNumber: '113366668888',
    accountName: 'SO TU PHAP',
    source: { name: 'sepay', mode: 'hmac', secret: 'open-sepay-hmac-secret-not-real' },
    ...over,
  }),
})
const at = (seconds: number): AdapterContext => ({
  now: new Date(seconds * 1000),
  requestId: 'r',
  serverIp: '127.0.0.1',
})
const post = (body: string | Buffer, headers: Record<string, string>): RawRequest => ({
  method: 'POST',
  path: '',
  query: '',
  headers,
  body: Buffer.from(body),
})

for (const { id, note, input, key, expected } of vectors('sepay')) {
  t.test(`vector ${id}: ${note}`, async (t) => {
    const headers = input.headers as Record<string, string>
    const own = text((JSON.parse(text(input.rawBody)) as { accountNumber?: string }).accountNumber) || '113366668888'
    const railAccount = account({
      accountNumber: own,
      source:
        key?.authMode === 'hmac'
          ? { name: 'sepay', mode: 'hmac', secret: key.hmacSecret }
          : { name: 'sepay', mode: 'apikey', apiKey: key?.apiKey },
    })
    const request = post(text(input.rawBody), headers)
    const context = at(typeof input.receivedAtUnix === 'number' ? input.receivedAtUnix : 1741572902)
    const reading = vietqr.readCallback(request, railAccount, context)
    if (expected.signature === 'reject') {
      t.equal(reading.kind, 'refused')
      if (reading.kind === 'refused')
        t.equal(
          vietqr.acknowledge({ kind: 'refused', reason: reading.reason }, request, railAccount, context).status,
          expected.httpStatus,
        )
      return
    }
    t.equal(reading.kind, expected.countsAsCredit === true ? 'outcome' : 'ignored')
    const reply = vietqr.acknowledge({ kind: 'recorded', settlementId: 's' }, request, railAccount, context)
    t.equal(reply.status, expected.httpStatus)
    t.same(JSON.parse(reply.body), expected.body)
  })
}

const secret = 'open-sepay-hmac-secret-not-real'
const signed = (body: string, seconds = 1741572902): Record<string, string> => ({
  'x-sepay-timestamp': String(seconds),
  'x-sepay-signature': `sha256=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`,
})
const aNotice = (over: object = {}): string =>
  JSON.stringify({
    id: 7,
    gateway: 'VietinBank',
    transactionDate: '2025-03-10 09:15:02',
    accountNumber: '113366668888',
    subAccount: null,
    code: null,
    content: 'x',
    transferType: 'in',
    transferAmount: 150000,
    referenceCode: 'FT1',
    ...over,
  })

t.test('the pay code is found in what banks make of the purpose, and two codes or none name no invoice', async (t) => {
  const code = makePayCode(randomBytes(32))
  const other = makePayCode(randomBytes(32))
  const reference = (content: string) => {
    const body = aNotice({ content })
    const reading = vietqr.readCallback(post(body, signed(body)), account(), at(1741572902))
    return reading.kind === 'outcome' ? reading.outcome.merchantRef : reading.kind
  }
  t.equal(reference(`MBVCB.123456.${code}.CT tu 0123`), code)
  t.equal(reference(`${code.slice(0, 5)} ${code.slice(5)} nop le phi`.toLowerCase()), code)
  t.equal(reference('nop le phi'), null)
  t.equal(reference(`${code} ${other}`), null)
})

t.test(
  'a notice about another account, in another mode, repeated in a field or changed in any byte is refused',
  async (t) => {
    const body = aNotice()
    const kindOf = (request: RawRequest, railAccount = account()) => {
      const reading = vietqr.readCallback(request, railAccount, at(1741572902))
      return reading.kind === 'refused' ? reading.reason : reading.kind
    }
    t.equal(kindOf(post(body, signed(body))), 'outcome')
    const foreign = aNotice({ accountNumber: '999' })
    t.equal(kindOf(post(foreign, signed(foreign))), 'wrong-account')
    t.equal(kindOf(post(body, { ...signed(body), authorization: 'Apikey x' })), 'auth')
    const twice = body.replace('"transferAmount":150000', '"transferAmount":150000,"transferAmount":1')
    t.equal(kindOf(post(twice, signed(twice))), 'repeated-field')
    t.equal(kindOf(post(body, {})), 'signature')
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const bytes = Buffer.from(body)
        bytes[index] = (bytes[index] ?? 0) ^ change
        return kindOf(post(bytes, signed(body))) === 'signature'
      }),
      { numRuns: 2000 },
    )
  },
)

t.test('what we build, the library reads; what it builds, we read', async () => {
  const alnum = fc.string({
    unit: fc.constantFrom(...'0123456789ABCDEFGHJKLMNPQRSTUVWXYZ'),
    minLength: 4,
    maxLength: 19,
  })
  fc.assert(
    fc.property(alnum, fc.bigInt({ min: 1n, max: 9_999_999_999_999n }), alnum, (number, amount, purpose) => {
      const ours = new QRPay(buildVietQr({ bankBin: '970415', account: number, amount, purpose }))
      const theirs = QRPay.initVietQR({
        bankBin: '970415',
        bankNumber: number,
        amount: amount.toString(),
        purpose,
      }).build()
      const reading = parseVietQr(theirs)
      return (
        ours.isValid &&
        ours.consumer.bankNumber === number &&
        ours.amount === amount.toString() &&
        ours.additionalData.purpose === purpose &&
        reading.ok &&
        reading.account === number &&
        reading.amount === amount &&
        reading.purpose === purpose
      )
    }),
    { numRuns: 300 },
  )
})

t.test('no changed payload is read as another payment', async () => {
  const payload = buildVietQr({ bankBin: '970415', account: '113366668888', amount: 58000n, purpose: 'ABCDEF' })
  fc.assert(
    fc.property(
      fc.nat(payload.length - 1),
      fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 }),
      (index, character) => {
        const changed = payload.slice(0, index) + character + payload.slice(index + 1)
        return changed.toUpperCase() === payload.toUpperCase() || !parseVietQr(changed).ok
      },
    ),
    { numRuns: 2000 },
  )
})

t.test('the drawn code is read back by an independent decoder', async (t) => {
  const step = vietqr.start?.(
    {
      merchantRef: 'X',
      payCode: 'NGMYUSYQ74EU',
      dossierCode: '',
      amount: 58000n,
      description: '',
      locale: 'vi',
      payerIp: '',
      returnUrl: '',
      callbackUrl: '',
      createdAt: new Date(0),
      expiresAt: new Date(0),
      payerInput: {},
    },
    account(),
    at(0),
  )
  if (step?.kind !== 'done' || step.result.kind !== 'qr') throw new Error('a QR was expected')
  const { data, size } = encode(step.result.payload, { ecc: 'M', border: 4 })
  const scale = 4
  const pixels = new Uint8ClampedArray(size * scale * size * scale * 4)
  for (let y = 0; y < size * scale; y++) {
    for (let x = 0; x < size * scale; x++) {
      const dark = data[Math.floor(y / scale)]?.[Math.floor(x / scale)] === true
      pixels.set(dark ? [0, 0, 0, 255] : [255, 255, 255, 255], (y * size * scale + x) * 4)
    }
  }
  t.equal(jsQR.default(pixels, size * scale, size * scale)?.data, step.result.payload)
})
