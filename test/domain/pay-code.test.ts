import fc from 'fast-check'
import t from 'tap'
import { findPayCodes, isPayCode, makePayCode, payCodeLength, payCodeRandomBytes } from '../../src/domain/pay-code.ts'

const alphabet = '23456789ABCDEFGHJKMNPQRSTUVWXYZ'
// Bytes below 248 only: the refusal of biased bytes has a test of its own.
const payCode = fc
  .uint8Array({ min: 0, max: 247, minLength: 256, maxLength: 256 })
  .filter((bytes) => bytes.some((byte) => byte % 31 >= 8))
  .map((bytes) => makePayCode(new Uint8Array([255, ...bytes.subarray(bytes.findIndex((byte) => byte % 31 >= 8))])))
const position = fc.integer({ min: 0, max: payCodeLength - 1 })

t.test('a made code is 12 characters of the alphabet, begins with a letter and passes its own check', async (t) => {
  fc.assert(fc.property(payCode, (code) => /^[A-HJKMNP-Z][2-9A-HJKMNP-Z]{11}$/.test(code) && isPayCode(code)))
  t.pass()
})

t.test('too little or unusable randomness makes no code', async (t) => {
  t.throws(() => makePayCode(new Uint8Array(5).fill(20)), RangeError)
  t.throws(() => makePayCode(new Uint8Array(payCodeRandomBytes).fill(250)), RangeError)
  t.throws(() => makePayCode(new Uint8Array(payCodeRandomBytes)), RangeError, 'digits alone never begin a code')
})

t.test('every single wrong character is refused', async () => {
  fc.assert(
    fc.property(payCode, position, fc.constantFrom(...alphabet), (code, at, other) => {
      const wrong = code.slice(0, at) + other + code.slice(at + 1)
      return isPayCode(wrong) === (wrong === code)
    }),
    { numRuns: 2000 },
  )
})

t.test('every swap of two neighbours that differ is refused', async () => {
  fc.assert(
    fc.property(payCode, fc.integer({ min: 0, max: payCodeLength - 2 }), (code, at) => {
      const swapped = code.slice(0, at) + (code[at + 1] ?? '') + (code[at] ?? '') + code.slice(at + 2)
      return isPayCode(swapped) === (swapped === code)
    }),
    { numRuns: 2000 },
  )
})

t.test('look-alikes, lower case and other lengths are no pay codes', async (t) => {
  const code = makePayCode(Uint8Array.from({ length: 32 }, (_, index) => 10 + index))
  t.ok(isPayCode(code))
  for (const text of [code.toLowerCase(), `${code}2`, code.slice(1), `O${code.slice(1)}`, `1${code.slice(1)}`, '']) {
    t.notOk(isPayCode(text), text)
  }
})

const word = fc.constantFrom('thanh toan', 'HO SO', 'chuyen khoan', 'FT26324', 'nop le phi', 'IBFT', '0912')

t.test('a code that stands as its own word is found in any case among other words, and it alone', async () => {
  fc.assert(
    fc.property(payCode, word, word, fc.boolean(), (code, before, after, lower) => {
      const text = `${before} ${code}.${after}`
      const found = findPayCodes(lower ? text.toLowerCase() : text)
      return found.length === 1 && found[0] === code
    }),
  )
})

t.test('a code is found after a bank cut it into lines or put spaces and marks into it', async () => {
  const breaks = fc.array(fc.tuple(fc.integer({ min: 1, max: 11 }), fc.constantFrom(' ', '\n', '\r\n', '-', '. ')), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(payCode, breaks, word, (code, cuts, before) => {
      const pieces = [...code].map((character, index) => (cuts.find(([at]) => at === index)?.[1] ?? '') + character)
      return findPayCodes(`${before} ${pieces.join('')} xin cam on`).includes(code)
    }),
  )
})

t.test('two codes in one text are both returned, one code twice once', async () => {
  fc.assert(
    fc.property(payCode, payCode, (first, second) => {
      const found = findPayCodes(`${first} va ${second} va ${first}`)
      return found.length === new Set([first, second]).size && found.includes(first) && found.includes(second)
    }),
  )
})

t.test('a text without a code gives none', async (t) => {
  t.same(findPayCodes(''), [])
  t.same(findPayCodes('chuyen tien mua hang 123456789012'), [])
})
