import fc from 'fast-check'
import t from 'tap'
import { encodePairs, readForm, readQuery } from '../../../adapters/shared/query.ts'

t.test('fields are decoded and keep their order', async (t) => {
  const reading = readQuery('b=1+2&a=%C4%90%E1%BB%93ng&&empty=&bare&c=x=y&d=%2B')
  t.equal(reading.ok, true)
  if (!reading.ok) return
  t.same(
    [...reading.fields],
    [
      ['b', '1 2'],
      ['a', 'Đồng'],
      ['empty', ''],
      ['bare', ''],
      ['c', 'x=y'],
      ['d', '+'],
    ],
  )
  t.equal(reading.repeated.size, 0)
})

t.test('a name twice is reported, however it is spelt, and so is an array name', async (t) => {
  const cases: [string, string][] = [
    ['a=1&a=2', 'a'],
    ['a=1&%61=1', 'a'],
    ['a=1&a', 'a'],
    ['a[]=1', 'a'],
    ['x=1&a[0]=1', 'a'],
    ['a%5B%5D=1', 'a'],
  ]
  for (const [raw, name] of cases) {
    const reading = readQuery(raw)
    t.same(reading.ok && [...reading.repeated], [name], raw)
  }
  const reading = readQuery('a=1&a=2')
  t.equal(reading.ok && reading.fields.get('a'), '1', 'the first value is kept')
})

t.test('what two readers could decode differently is refused', async (t) => {
  for (const raw of ['a=%', 'a=%4', 'a=%GG', '%zz=1', 'a=%FF', 'a=%C0%AF', 'a=%ED%A0%80', 'a=é', 'a=1 2', 'a=1\n']) {
    t.equal(readQuery(raw).ok, false, JSON.stringify(raw))
  }
  t.equal(readQuery(Array.from({ length: 201 }, (_, index) => `n${index}=1`).join('&')).ok, false, 'too many fields')
  t.equal(readForm(Uint8Array.of(0x61, 0x3d, 0xff)).ok, false, 'a form that is not UTF-8')
  t.equal(readForm(Buffer.alloc(256 * 1024 + 1, 'a')).ok, false, 'a form too large')
  t.same(readForm(Buffer.from('a=1+2')), readQuery('a=1+2'), 'a form is read like a query')
})

t.test('law: what forms encode is read back, field by field', async () => {
  const word = fc.string({ unit: 'grapheme' })
  const name = word.filter((text) => text !== '' && !text.includes('['))
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(name, word), { selector: ([key]) => key, maxLength: 20 }),
      async (pairs) => {
        const reading = readQuery(encodePairs(pairs))
        const read = reading.ok && reading.repeated.size === 0 ? [...reading.fields] : null
        if (JSON.stringify(read) !== JSON.stringify(pairs)) throw new Error(`read ${JSON.stringify(read)}`)
      },
    ),
  )
})
