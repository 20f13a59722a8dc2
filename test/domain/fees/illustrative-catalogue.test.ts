import { readFileSync } from 'node:fs'
import t from 'tap'
import type { CatalogueSlice } from '../../../src/domain/fees/catalogue.ts'
import { readCatalogue, sliceOf } from '../../../src/domain/fees/catalogue-file.ts'
import type { PriceInputs } from '../../../src/domain/fees/price.ts'
import { businessDate } from '../../../src/domain/vietnam-time.ts'
import { aLine, priced, refused } from './build.ts'

const path = new URL('../../../src/sandbox/data/illustrative-catalogue.json', import.meta.url)
const text = readFileSync(path, 'utf8')
const result = readCatalogue(JSON.parse(text))
if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 1))
const { catalogue } = result

/** Numbers of domain.md §12; row 29 is the post, which goes with any procedure. */
const rows = [
  '1.001193',
  '1.000894',
  '2.000635',
  '1.004873',
  '1.004859',
  '2.000815',
  '2.000884',
  '1.004222',
  '1.004194',
  '2.001195',
  '2.001194',
  '1.010100',
  '1.010101',
  '2.000488',
  '1.002835',
  '1.002000',
  '1.013000',
  '1.013001',
  '1.013002',
  '1.012000',
  '1.012001',
  '1.001612',
  '2.001610',
  '1.009994',
  '1.004659',
  '1.002001',
  '1.004960',
  '9.000001',
  '9.000002',
] as const

function codeOf(row: number): string {
  return rows[row - 1] ?? ''
}

function slice(row: number): CatalogueSlice {
  const found = sliceOf(catalogue, codeOf(row))
  if (found === null) throw new Error(`row ${row} is not in the catalogue`)
  return found
}

type Asked = Partial<PriceInputs> & Parameters<typeof aLine>[1]

function inputsOf(
  row: number,
  feeCode: string,
  { quantity, copies, baseAmount, ...over }: Asked,
): Partial<PriceInputs> {
  return {
    procedureCode: codeOf(row),
    lines: [aLine({ feeCode }, { quantity: quantity ?? 1, copies: copies ?? null, baseAmount: baseAmount ?? null })],
    ...over,
  }
}

function total(row: number, feeCode: string, over: Asked = {}): bigint {
  return priced(slice(row), inputsOf(row, feeCode, over)).total
}

t.test('the file says of itself that it is no fee table, and holds the 29 procedures', async (t) => {
  t.equal(catalogue.illustrative, true)
  t.match(catalogue.source, /MINH HOẠ, KHÔNG PHẢI BIỂU PHÍ/)
  t.same(
    catalogue.procedures.map(({ code }) => code),
    rows,
  )
  t.equal(text, text.normalize('NFC'))
})

const counter = { channel: 'COUNTER' } as const
const citizen = { payerGroups: ['DIGITAL_CITIZEN'], eIdLevel: 2 }

const examples: readonly (readonly [row: number, feeCode: string, asked: Asked, total: bigint])[] = [
  [1, 'birth-registration', {}, 0n],
  [1, 'birth-registration', { serviceCase: 'LATE' }, 5_000n],
  [2, 'marriage-registration', {}, 0n],
  [3, 'civil-status-extract-copy', { quantity: 3 }, 24_000n],
  [3, 'civil-status-extract-copy', { quantity: 3, ...citizen }, 0n],
  [3, 'civil-status-extract-copy', { ...citizen, eIdLevel: 1 }, 8_000n],
  [4, 'marital-status-certificate', {}, 3_000n],
  [5, 'civil-status-correction', { payerGroups: ['AGE_UNDER_14'] }, 5_000n],
  [5, 'civil-status-correction', { payerGroups: ['AGE_FROM_14'] }, 25_000n],
  [6, 'certified-copy', { quantity: 1 }, 2_000n],
  [6, 'certified-copy', { quantity: 2 }, 4_000n],
  [6, 'certified-copy', { quantity: 3 }, 5_000n],
  [6, 'certified-copy', { quantity: 150 }, 152_000n],
  [6, 'certified-copy', { quantity: 500, copies: 2 }, 400_000n],
  [7, 'signature-certification', { quantity: 2 }, 20_000n],
  [8, 'permanent-residence', {}, 10_000n],
  [8, 'permanent-residence', counter, 20_000n],
  [9, 'temporary-residence', {}, 7_000n],
  [9, 'temporary-residence', counter, 15_000n],
  [10, 'id-card-exchange', {}, 25_000n],
  [10, 'id-card-exchange', citizen, 0n],
  [10, 'id-card-exchange', { ...citizen, ...counter }, 25_000n],
  [11, 'id-card-reissue', {}, 35_000n],
  [12, 'passport-first', {}, 200_000n],
  [13, 'passport-after-loss', {}, 400_000n],
  [14, 'criminal-record-sheet', {}, 200_000n],
  [14, 'criminal-record-sheet', { payerGroups: ['STUDENT', 'MERIT'] }, 100_000n],
  [14, 'criminal-record-sheet', { payerGroups: ['STUDENT', 'POOR_HOUSEHOLD'] }, 0n],
  [15, 'driving-licence-card', {}, 135_000n],
  [16, 'driving-test-a1-theory', {}, 60_000n],
  [16, 'driving-test-a1-practice', {}, 70_000n],
  [17, 'car-plate', { area: 'AREA_1' }, 14_000_000n],
  [17, 'car-plate', { area: 'AREA_2' }, 140_000n],
  [19, 'road-use', { serviceCase: 'BY_MONTH', quantity: 6 }, 780_000n],
  [19, 'road-use', { serviceCase: 'BY_YEAR' }, 1_560_000n],
  [20, 'land-transfer-appraisal', { baseAmount: 3_333_333_333n }, 5_000_000n],
  [20, 'land-transfer-appraisal', { baseAmount: 3_333_333_334n }, 5_000_000n],
  [20, 'land-transfer-appraisal', { baseAmount: 1_000_000_000n }, 1_500_000n],
  [20, 'land-transfer-certificate', { area: 'WARD' }, 28_000n],
  [20, 'land-transfer-certificate', { area: 'OTHER' }, 14_000n],
  [21, 'first-land-certificate', { area: 'WARD', serviceCase: 'LAND_AND_ASSETS' }, 100_000n],
  [21, 'first-land-certificate', { area: 'OTHER', serviceCase: 'LAND_ONLY' }, 10_000n],
  [21, 'first-land-certificate', { area: 'OTHER', serviceCase: 'LAND_ONLY', payerGroups: ['RURAL_HOUSEHOLD'] }, 0n],
  [22, 'business-household', counter, 100_000n],
  [22, 'business-household', {}, 0n],
  [23, 'enterprise-registration', {}, 25_000n],
  [24, 'building-permit-house', {}, 75_000n],
  [25, 'dance-hall-appraisal', { area: 'CITY' }, 15_000_000n],
  [25, 'dance-hall-appraisal', { area: 'OTHER' }, 10_000_000n],
  [26, 'game-script-appraisal', {}, 5_000_000n],
  [27, 'gm-food-appraisal', {}, 120_000_000n],
  [10, 'post-return-of-result', {}, 15_000n],
]

for (const [row, feeCode, asked, expected] of examples) {
  t.test(`row ${row}: ${feeCode} ${Object.keys(asked).join(' ')} costs ${expected}`, async (t) => {
    t.equal(total(row, feeCode, asked), expected)
  })
}

t.test('the 50 % cut ends with the last local second of 2026', async (t) => {
  const before = { submittedOn: businessDate(new Date('2026-12-31T16:59:59Z')) }
  const after = { submittedOn: businessDate(new Date('2026-12-31T17:00:00Z')) }
  t.same([total(10, 'id-card-exchange', before), total(10, 'id-card-exchange', after)], [25_000n, 50_000n])
  t.same([total(11, 'id-card-reissue', before), total(11, 'id-card-reissue', after)], [35_000n, 70_000n])
  t.same(
    [total(23, 'enterprise-registration', before), total(23, 'enterprise-registration', after)],
    [25_000n, 50_000n],
  )
})

t.test('the waiver for digital citizens ends with the last local second of February 2027', async (t) => {
  const before = { ...citizen, submittedOn: businessDate(new Date('2027-02-28T16:59:59Z')) }
  const after = { ...citizen, submittedOn: businessDate(new Date('2027-02-28T17:00:00Z')) }
  t.same([total(3, 'civil-status-extract-copy', before), total(3, 'civil-status-extract-copy', after)], [0n, 8_000n])
  t.same([total(10, 'id-card-exchange', before), total(10, 'id-card-exchange', after)], [0n, 50_000n])
})

t.test('what is not settled by the table is refused', async (t) => {
  const code = (row: number, feeCode: string, over: Asked = {}) =>
    refused(slice(row), inputsOf(row, feeCode, over)).code
  t.equal(code(5, 'civil-status-correction'), 'RATE_NOT_APPLICABLE', 'the age decides')
  t.equal(code(17, 'car-plate'), 'RATE_NOT_APPLICABLE', 'the area decides')
  t.equal(code(17, 'car-plate', { area: 'AREA_3' }), 'UNKNOWN_AREA')
  t.equal(code(18, 'car-duty', { area: 'DUTY_12', baseAmount: 900_000_000n }), 'DECISION_REQUIRED')
  t.equal(code(28, 'traffic-fine'), 'DECISION_REQUIRED')
  t.equal(code(22, 'business-household', { submittedOn: '2026-07-24' }), 'RATE_NOT_YET_VALID')
})

t.test('two fees of one procedure stay two lines, and the post has its own creditor', async (t) => {
  const lines = ['driving-test-a1-theory', 'driving-test-a1-practice', 'post-return-of-result'].map((feeCode) =>
    aLine({ feeCode }),
  )
  const { items, total } = priced(slice(16), { procedureCode: codeOf(16), lines })
  t.same(
    items.map(({ net, creditor }) => [net, creditor]),
    [
      [60_000n, 'COLLECTING_AGENCY'],
      [70_000n, 'COLLECTING_AGENCY'],
      [15_000n, 'PUBLIC_POST'],
    ],
  )
  t.equal(total, 145_000n)
})

t.test('refund rules are those of the table', async (t) => {
  const rule = (row: number) => slice(row).rates[0]?.refundRule
  t.same([12, 13, 18, 22, 26].map(rule), ['IF_NOT_GRANTED', 'IF_NOT_GRANTED', 'TAX_LAW', 'NEVER', 'NEVER'])
})
