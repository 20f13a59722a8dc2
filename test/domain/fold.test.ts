import fc from 'fast-check'
import t from 'tap'
import { foldToLatin } from '../../src/domain/fold.ts'

t.test('diacritics and đ fold to plain letters, whatever the normal form they came in', async (t) => {
  const text = 'Lệ phí cấp đổi thẻ căn cước ở ĐỒNG THÁP'
  t.equal(foldToLatin(text.normalize('NFC')), 'Le phi cap doi the can cuoc o DONG THAP')
  t.equal(foldToLatin(text.normalize('NFD')), 'Le phi cap doi the can cuoc o DONG THAP')
})

t.test('everything but letters and digits becomes one space, none at the ends', async (t) => {
  t.equal(foldToLatin('  H56.14-240823|0001\u200b\n(phí) '), 'H56 14 240823 0001 phi')
  t.equal(foldToLatin('|||'), '')
})

t.test('a cut text does not end in a space', async (t) => {
  t.equal(foldToLatin('THANH TOAN HO SO', 6), 'THANH')
  t.equal(foldToLatin('THANH TOAN HO SO', 100), 'THANH TOAN HO SO')
})

t.test(
  'any text folds to at most maxLength letters, digits and single spaces, and folding again changes nothing',
  async () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 40 }), (text, maxLength) => {
        const folded = foldToLatin(text, maxLength)
        return (
          folded.length <= maxLength &&
          (folded === '' || /^[A-Za-z0-9]+( [A-Za-z0-9]+)*$/.test(folded)) &&
          foldToLatin(folded, maxLength) === folded
        )
      }),
    )
  },
)
