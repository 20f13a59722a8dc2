import fc from 'fast-check'
import t from 'tap'
import { readJsonObject } from '../../../adapters/vietinbank/json-body.ts'

const read = (text: string) => readJsonObject(Buffer.from(text, 'utf8'))

t.test('one object is read as it stands', async (t) => {
  t.same(read('{"a":"x:{}[]\\"\\\\","b":{"a":1},"c":[{"a":1},{"a":2}]}'), {
    ok: true,
    value: { a: 'x:{}[]"\\', b: { a: 1 }, c: [{ a: 1 }, { a: 2 }] },
  })
})

t.test('a name twice in one object is refused, however it is spelt, at any depth', async (t) => {
  for (const text of ['{"a":1,"a":1}', '{"a":1,"\\u0061":1}', '{"x":[{"b":1,"b":2}]}', '{"":1,"":2}']) {
    t.match(read(text), { ok: false, reason: 'repeated-field' }, text)
  }
})

t.test('what is no plain object is refused', async (t) => {
  for (const text of [
    '',
    'null',
    '1',
    '"a"',
    '[]',
    '{"a":1}x',
    '{"a":1,}',
    '\uFEFF{"a":1}',
    '{"__proto__":1}',
    `${'{"a":'.repeat(17)}1${'}'.repeat(17)}`,
  ]) {
    t.match(read(text), { ok: false, reason: 'malformed' }, text.slice(0, 20))
  }
  t.match(readJsonObject(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)), { ok: false }, 'bad UTF-8')
  t.match(read(`{"a":"${'x'.repeat(300_000)}"}`), { ok: false }, 'too large')
  t.match(read(`{"a":"${'\\"'.repeat(100_000)}"}`), { ok: true }, 'a long string of escapes')
})

t.test('law: what JSON writes is read back, unless it is nested too deep', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), async (value) => {
      const text = JSON.stringify(value)
      if (text.includes('__proto__')) return
      const body = read(text)
      if (!body.ok || JSON.stringify(body.value) !== text) throw new Error('read otherwise')
    }),
  )
})
