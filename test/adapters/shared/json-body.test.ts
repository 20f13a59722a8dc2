import fc from 'fast-check'
import t from 'tap'
import { parseJsonObject, readJsonObject } from '../../../adapters/shared/json-body.ts'

const read = (text: string) => parseJsonObject(Buffer.from(text, 'utf8'))

t.test('one object is read as it stands', async (t) => {
  t.same(read('{"a":"x:{}[]\\"\\\\ 1e999","b":{"a":1},"c":[{"a":1},{"a":2}]}'), {
    ok: true,
    value: { a: 'x:{}[]"\\ 1e999', b: { a: 1 }, c: [{ a: 1 }, { a: 2 }] },
  })
})

t.test('a name twice in one object is refused, however it is spelt, at any depth', async (t) => {
  for (const text of ['{"a":1,"a":1}', '{"a":1,"\\u0061":1}', '{"x":[{"b":1,"b":2}]}', '{"":1,"":2}']) {
    t.match(read(text), { ok: false, reason: 'repeated-field' }, text)
  }
})

t.test('what is no plain object is refused', async (t) => {
  for (const text of ['', 'null', '1', '"a"', '[]', '{"a":1}x', '{"a":1,}', '{"a":01}', '\uFEFF{"a":1}']) {
    t.match(read(text), { ok: false, reason: 'malformed' }, text)
  }
  for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe1, 0xba]]) {
    const body = Uint8Array.from([0x7b, 0x22, ...bytes, 0x22, 0x3a, 0x31, 0x7d])
    t.match(parseJsonObject(body), { ok: false, reason: 'malformed', detail: 'body is not UTF-8' }, `bytes ${bytes}`)
  }
})

t.test('names of the language itself are refused at any depth and spelling, as names only', async (t) => {
  for (const name of ['__proto__', 'constructor', 'prototype', '__pro\\u0074o__']) {
    t.match(read(`{"${name}":1}`), { ok: false, reason: 'malformed' }, name)
    t.match(read(`{"a":[{"${name}":{}}]}`), { ok: false, reason: 'malformed' }, `${name} within`)
    t.match(read(`{"a":"${name}"}`), { ok: true }, `${name} as a value`)
  }
})

t.test('32 levels are read, 33 are not, nor are so many that a recursive reader would fall over', async (t) => {
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  t.match(read(nested(32)), { ok: true })
  t.match(read(nested(33)), { ok: false, reason: 'malformed' })
  t.match(read(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), { ok: false, reason: 'malformed' })
})

t.test('a number is kept as written or refused', async (t) => {
  const kept = [
    '0',
    '-0',
    '1',
    '1.0',
    '1.50',
    '0.1',
    '-12.5e3',
    '1E2',
    '100e-2',
    '9007199254740991',
    '-9007199254740991',
  ]
  for (const literal of kept) t.same(read(`{"n":${literal}}`), { ok: true, value: { n: Number(literal) } }, literal)
  const lost = [
    '9007199254740992',
    '-9007199254740993',
    '1e16',
    '1e999',
    '1e-999',
    '123456789012345678901234567890',
    '0.1000000000000000055511151231257827',
    '4503599627370496.3',
  ]
  for (const literal of lost) {
    const body = read(`{"a":[${literal}]}`)
    t.match(body, { ok: false, reason: 'malformed', detail: 'cannot be kept exactly' }, literal)
  }
})

t.test('a body over the limit is refused, also when it would be valid', async (t) => {
  const body = Buffer.from(`{"a":"${'x'.repeat(300_000)}"}`)
  t.match(readJsonObject(body), { ok: false, detail: 'body too large' })
  t.match(readJsonObject(body, body.byteLength), { ok: true })
  t.match(read(`{"a":"${'\\"'.repeat(100_000)}"}`), { ok: true }, 'a long string of escapes')
})

t.test('law: what JSON writes is read back, unless a name or a number of it is refused', async () => {
  const forbidden = ['__proto__', 'constructor', 'prototype']
  const leaf = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.maxSafeInteger(),
    fc.double({ min: -1, max: 1 }),
  )
  const name = fc.string().filter((text) => !forbidden.includes(text))
  const tree = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('node')), fc.dictionary(name, tie('node'))),
  })).node
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, tree), async (value) => {
      const text = JSON.stringify(value)
      const body = read(text)
      if (!body.ok || JSON.stringify(body.value) !== text) throw new Error(`read otherwise: ${JSON.stringify(body)}`)
    }),
  )
})
