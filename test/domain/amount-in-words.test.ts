import fc from 'fast-check'
import t from 'tap'
import { amountInEnglish, amountInVietnamese } from '../../src/domain/amount-in-words.ts'

const vietnamese: readonly (readonly [bigint, string])[] = [
  [0n, 'Không đồng'],
  [1n, 'Một đồng'],
  [4n, 'Bốn đồng'],
  [5n, 'Năm đồng'],
  [10n, 'Mười đồng'],
  [11n, 'Mười một đồng'],
  [14n, 'Mười bốn đồng'],
  [15n, 'Mười lăm đồng'],
  [20n, 'Hai mươi đồng'],
  [21n, 'Hai mươi mốt đồng'],
  [24n, 'Hai mươi tư đồng'],
  [25n, 'Hai mươi lăm đồng'],
  [100n, 'Một trăm đồng'],
  [101n, 'Một trăm linh một đồng'],
  [104n, 'Một trăm linh bốn đồng'],
  [105n, 'Một trăm linh năm đồng'],
  [110n, 'Một trăm mười đồng'],
  [555n, 'Năm trăm năm mươi lăm đồng'],
  [1_000n, 'Một nghìn đồng'],
  [1_005n, 'Một nghìn không trăm linh năm đồng'],
  [1_015n, 'Một nghìn không trăm mười lăm đồng'],
  [8_000n, 'Tám nghìn đồng'],
  [1_234_567n, 'Một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy đồng'],
  [14_000_000n, 'Mười bốn triệu đồng'],
  [120_000_000n, 'Một trăm hai mươi triệu đồng'],
  [1_000_000_005n, 'Một tỷ không trăm linh năm đồng'],
  [3_333_333_333n, 'Ba tỷ ba trăm ba mươi ba triệu ba trăm ba mươi ba nghìn ba trăm ba mươi ba đồng'],
  [1_000_000_000_000n, 'Một nghìn tỷ đồng'],
  [1_005_000_000_000n, 'Một nghìn không trăm linh năm tỷ đồng'],
  [1_000_000_000_001n, 'Một nghìn tỷ không trăm linh một đồng'],
  [1_000_000_000_000_000n, 'Một triệu tỷ đồng'],
  [1_000_000_000_000_000_000n, 'Một tỷ tỷ đồng'],
  [1_000_000_001_000_000_000n, 'Một tỷ tỷ không trăm linh một tỷ đồng'],
]

for (const [amount, words] of vietnamese) {
  t.test(`${amount} is read ${words}`, async (t) => t.equal(amountInVietnamese(amount), words))
}

t.test('an empty tens place is read lẻ where the south reads it so', async (t) => {
  t.equal(amountInVietnamese(1_105n, 'lẻ'), 'Một nghìn một trăm lẻ năm đồng')
})

const english: readonly (readonly [bigint, string])[] = [
  [0n, 'Zero dong'],
  [1n, 'One dong'],
  [19n, 'Nineteen dong'],
  [40n, 'Forty dong'],
  [101n, 'One hundred one dong'],
  [1_234_567n, 'One million two hundred thirty-four thousand five hundred sixty-seven dong'],
  [3_000_000_010n, 'Three billion ten dong'],
  [1_000_000_000_000_000_000n, 'One quintillion dong'],
]

for (const [amount, words] of english) {
  t.test(`${amount} is read ${words}`, async (t) => t.equal(amountInEnglish(amount), words))
}

t.test('negative amounts, and amounts English has no word for here, are errors', async (t) => {
  t.throws(() => amountInVietnamese(-1n), RangeError)
  t.throws(() => amountInEnglish(-1n), RangeError)
  t.throws(() => amountInEnglish(10n ** 21n), RangeError)
})

const any = fc.bigInt({ min: 0n, max: 10n ** 20n })

t.test('what is read can be turned back into the number', async () => {
  fc.assert(
    fc.property(any, fc.constantFrom('linh' as const, 'lẻ' as const), (amount, emptyTens) => {
      return numberOfVietnamese(amountInVietnamese(amount, emptyTens)) === amount
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(any, (amount) => numberOfEnglish(amountInEnglish(amount)) === amount),
    { numRuns: 2000 },
  )
})

t.test('every number below 20 000 is turned back', async (t) => {
  for (let n = 0n; n < 20_000n; n++) {
    if (numberOfVietnamese(amountInVietnamese(n)) !== n) t.fail(`${n} in Vietnamese`)
    if (numberOfEnglish(amountInEnglish(n)) !== n) t.fail(`${n} in English`)
  }
})

t.test('the words are NFC, single-spaced, and only the first letter is a capital', async () => {
  fc.assert(
    fc.property(any, (amount) => {
      const words = amountInVietnamese(amount)
      const rest = words.slice(1)
      return (
        words === words.normalize('NFC') &&
        !/ {2}|^ | $/.test(words) &&
        rest === rest.toLowerCase() &&
        words.endsWith(' đồng')
      )
    }),
  )
})

const digits: Record<string, bigint> = {
  không: 0n,
  một: 1n,
  mốt: 1n,
  hai: 2n,
  ba: 3n,
  bốn: 4n,
  tư: 4n,
  năm: 5n,
  lăm: 5n,
  sáu: 6n,
  bảy: 7n,
  tám: 8n,
  chín: 9n,
}

/** Reads from the right: a run of k `tỷ` says that what stands left of it, up to the next run, counts 10^9k. */
function numberOfVietnamese(text: string): bigint {
  const words = text.toLowerCase().split(' ').slice(0, -1)
  let total = 0n
  let turn: string[] = []
  for (let at = 0; at < words.length; at++) {
    if (words[at] !== 'tỷ') {
      turn.push(words[at] ?? '')
      continue
    }
    let power = 0
    for (; words[at] === 'tỷ'; at++) power++
    at--
    total += turnOf(turn) * 10n ** BigInt(9 * power)
    turn = []
  }
  return total + turnOf(turn)
}

function turnOf(words: readonly string[]): bigint {
  let total = 0n
  let group = 0n
  let digit = 0n
  for (const word of words) {
    if (word === 'trăm') group += digit * 100n
    else if (word === 'mươi') group += digit * 10n
    else if (word === 'mười') group += 10n
    else if (word === 'nghìn' || word === 'triệu') {
      total += (group + digit) * (word === 'nghìn' ? 1_000n : 1_000_000n)
      group = 0n
    }
    digit = digits[word] ?? 0n
  }
  return total + group + digit
}

const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const tens = 'zero ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
const scales = 'one thousand million billion trillion quadrillion quintillion'.split(' ')

function numberOfEnglish(text: string): bigint {
  let total = 0n
  let group = 0n
  for (const word of text.toLowerCase().split(/[ -]/).slice(0, -1)) {
    if (word === 'hundred') group *= 100n
    else if (scales.indexOf(word) > 0) {
      total += group * 1000n ** BigInt(scales.indexOf(word))
      group = 0n
    } else if (small.includes(word)) group += BigInt(small.indexOf(word))
    else group += BigInt(10 * tens.indexOf(word))
  }
  return total + group
}
