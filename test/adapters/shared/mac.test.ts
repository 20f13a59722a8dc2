import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { isBase64Mac, isHexMac } from '../../../adapters/shared/mac.ts'

const mac = createHmac('sha512', 'key').update('text').digest()

t.test('the code itself is accepted, hexadecimal in either letter case', async (t) => {
  t.equal(isHexMac(mac.toString('hex'), mac), true)
  t.equal(isHexMac(mac.toString('hex').toUpperCase(), mac), true)
  t.equal(isBase64Mac(mac.toString('base64'), mac), true)
})

t.test('another length, other characters and another spelling are refused', async (t) => {
  const hex = mac.toString('hex')
  for (const text of [
    '',
    hex.slice(0, -1),
    hex.slice(0, -2),
    `${hex}00`,
    `${hex} `,
    `g${hex.slice(1)}`,
    `0x${hex.slice(2)}`,
  ]) {
    t.equal(isHexMac(text, mac), false, text.slice(0, 8))
  }
  const base64 = mac.toString('base64')
  for (const text of ['', base64.replace(/=+$/, ''), ` ${base64}`, `${base64}\n`, base64.replace(/.==$/, 'h==')]) {
    t.equal(isBase64Mac(text, mac), false, JSON.stringify(text.slice(-8)))
  }
  t.equal(isHexMac('', new Uint8Array()), false, 'an empty code is no code')
  t.equal(isBase64Mac('', new Uint8Array()), false, 'an empty code is no code')
})

t.test('law: one changed bit is another code', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: mac.length - 1 }), fc.nat({ max: 7 }), async (index, bit) => {
      const other = Buffer.from(mac)
      other[index] = (other[index] ?? 0) ^ (1 << bit)
      if (isHexMac(other.toString('hex'), mac) || isBase64Mac(other.toString('base64'), mac))
        throw new Error('accepted')
    }),
  )
})
