import fc from 'fast-check'
import jsQR from 'jsqr'
import t from 'tap'
import { encode } from 'uqr'
import { QRPay } from 'vietnam-qr-pay'
import { z } from 'zod'
import { buildVietQr } from '../../../adapters/vietqr/build.ts'
import { crc16 } from '../../../adapters/vietqr/crc.ts'
import { vietqr } from '../../../adapters/vietqr/index.ts'
import { parseVietQr } from '../../../adapters/vietqr/parse.ts'
import { foldToLatin } from '../../../src/domain/fold.ts'
import { accountNumber, at, makeAccount, readVectors, sources } from './samples.ts'

const head = { id: z.string(), note: z.string() }
const optionalText = z
  .string()
  .nullish()
  .transform((text) => text ?? '')
const vectorSchema = z.discriminatedUnion('op', [
  z.object({
    ...head,
    op: z.literal('build'),
    input: z.object({
      bankBin: z.string(),
      account: z.string(),
      amountVnd: z.string().nullable(),
      purpose: optionalText,
      rawPurpose: optionalText,
      service: z.enum(['QRIBFTTA', 'QRIBFTTC']),
      billNumber: optionalText,
      storeLabel: optionalText,
      terminalLabel: optionalText,
      merchantName: optionalText,
      merchantCity: optionalText,
      mcc: optionalText,
    }),
    expected: z.object({ payload: z.string(), sanitisedPurpose: z.string().optional() }),
  }),
  z.object({
    ...head,
    op: z.literal('parse'),
    input: z.object({ payload: z.string() }),
    expected: z.looseObject({ valid: z.boolean() }),
  }),
  z.object({
    ...head,
    op: z.literal('crc16-ccitt-false'),
    input: z.object({ text: z.string() }),
    expected: z.object({ crc: z.string() }),
  }),
])

for (const vector of readVectors('vietqr', vectorSchema)) {
  t.test(`vector ${vector.id}: ${vector.note}`, async (t) => {
    switch (vector.op) {
      case 'crc16-ccitt-false':
        t.equal(crc16(vector.input.text), vector.expected.crc)
        break
      case 'parse': {
        const { valid, ...wanted } = vector.expected
        const reading = parseVietQr(vector.input.payload)
        t.equal(reading.ok, valid)
        if (!reading.ok) t.equal(reading.reason, wanted.reason)
        else {
          const { ok: _ok, amount, ...fields } = reading
          t.same({ ...fields, amount: amount?.toString() ?? null }, wanted)
        }
        break
      }
      case 'build': {
        const { amountVnd, purpose, rawPurpose, mcc, ...input } = vector.input
        const payload = buildVietQr({
          ...input,
          amount: amountVnd === null ? null : BigInt(amountVnd),
          purpose: rawPurpose || purpose,
          merchantCategory: mcc,
        })
        t.equal(payload, vector.expected.payload)
        if (vector.expected.sanitisedPurpose !== undefined)
          t.equal(foldToLatin(rawPurpose, 25), vector.expected.sanitisedPurpose)
      }
    }
  })
}

const alnum = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789ABCDEFGHJKLMNPQRSTUVWXYZ'), minLength, maxLength })

t.test('we and an independent library build the same payload and read each other', async () => {
  const amounts = fc.option(fc.bigInt({ min: 1n, max: 9_999_999_999_999n }))
  fc.assert(
    fc.property(
      fc.constantFrom('970415', '970436', '970418'),
      alnum(4, 19),
      amounts,
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      (bankBin, number, amount, rawPurpose) => {
        const purpose = foldToLatin(rawPurpose, 25)
        const ours = buildVietQr({ bankBin, account: number, amount, purpose: rawPurpose })
        const theirs = QRPay.initVietQR({
          bankBin,
          bankNumber: number,
          ...(amount === null ? {} : { amount: amount.toString() }),
          ...(purpose === '' ? {} : { purpose }),
        }).build()
        const reading = parseVietQr(theirs)
        return (
          ours === theirs &&
          new QRPay(ours).isValid &&
          reading.ok &&
          reading.bankBin === bankBin &&
          reading.account === number &&
          reading.amount === amount &&
          (reading.purpose ?? '') === purpose
        )
      },
    ),
    { numRuns: 500 },
  )
})

t.test('no changed payload is read as another payment', async () => {
  const payload = buildVietQr({ bankBin: '970415', account: accountNumber, amount: 58000n, purpose: 'ABCDEF' })
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

t.test('a payload with a right check sum that breaks a rule of the format is refused', async (t) => {
  const reasonOf = (body: string): string => {
    const payload = `${body}6304`
    const reading = parseVietQr(payload + crc16(payload))
    return reading.ok ? 'read' : reading.reason
  }
  const account = '38560010A0000007270126000697041501121133666688880208QRIBFTTA'
  const good = `000201010212${account}5303704540458005802VN`
  t.equal(reasonOf(good), 'read')
  t.equal(reasonOf(`${good}5999X`), 'length')
  t.equal(reasonOf(`${good}54049999`), 'repeated')
  t.equal(reasonOf(good.replace('5303704', '5303840')), 'currency')
  t.equal(reasonOf(good.replace('A000000727', 'A000000775')), 'guid')
  t.equal(reasonOf(good.replace('54045800', '54045.80')), 'amount')
  t.equal(reasonOf(good.replace('54045800', '54040800')), 'amount')
  t.equal(reasonOf(good.replace('01121133', '01991133')), 'length')
  t.equal(reasonOf(good + '62'.repeat(300)), 'length')
})

t.test('what no wallet could read is not built', async (t) => {
  const content = { bankBin: '970415', account: accountNumber, amount: 1n }
  t.throws(() => buildVietQr({ ...content, bankBin: '97041' }), RangeError)
  t.throws(() => buildVietQr({ ...content, account: 'A'.repeat(20) }), RangeError)
  t.throws(() => buildVietQr({ ...content, account: '1 2' }), RangeError)
  t.throws(() => buildVietQr({ ...content, amount: 0n }), RangeError)
  t.throws(() => buildVietQr({ ...content, amount: 10n ** 13n }), RangeError)
  t.throws(() => buildVietQr({ ...content, merchantName: 'Sở Tư pháp' }), RangeError)
  t.throws(() => makeAccount(sources.payos, { merchantName: 'Sở Tư pháp' }), 'nor does an account take it')
  t.throws(() => makeAccount(sources.payos, { merchantCity: 'Hà Nội' }))
  t.ok(makeAccount(sources.payos, { merchantName: 'SO TU PHAP', merchantCity: 'HA NOI' }))
})

t.test('the drawn code is read back by an independent decoder', async (t) => {
  const step = vietqr.start?.(
    {
      merchantRef: 'NGMYUSYQ74EU',
      payCode: 'NGMYUSYQ74EU',
      dossierCode: 'HS0001',
      amount: 58000n,
      description: 'NGMYUSYQ74EU ho so HS0001',
      locale: 'vi',
      payerIp: '203.0.113.10',
      returnUrl: 'https://pay.example.vn/pay/x/return',
      callbackUrl: 'https://pay.example.vn/callbacks/vietqr/ra_vietqr',
      createdAt: new Date(0),
      expiresAt: new Date(0),
      payerInput: {},
    },
    makeAccount(sources.sepay),
    at(),
  )
  if (step?.kind !== 'done' || step.result.kind !== 'qr') throw new Error('a QR was expected')
  t.same(step.result.transfer, {
    bankBin: '970415',
    accountNumber,
    accountName: 'SO TU PHAP',
    amount: 58000n,
    content: 'NGMYUSYQ74EU',
  })
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

t.test('our reference is the pay code, so that it stands alone as the purpose', async (t) => {
  const seed = { sequence: 7n, payCode: 'NGMYUSYQ74EU', now: new Date(0) }
  t.equal(vietqr.merchantRef(seed, makeAccount(sources.sepay)), 'NGMYUSYQ74EU')
  t.equal(vietqr.capabilities.maxAmount, 499_999_999n)
  t.notOk(vietqr.capabilities.inquiry)
  t.equal(vietqr.capabilities.refund, 'none')
})
