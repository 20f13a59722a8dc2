import fc from 'fast-check'
import t from 'tap'
import { decidingDate } from '../../../src/domain/fees/deciding-date.ts'
import { priceItems } from '../../../src/domain/fees/price.ts'
import { businessDate } from '../../../src/domain/vietnam-time.ts'
import { aLine, anAdjustment, aRate, aSlice, inputs, percent, priced, refused } from './build.ts'

const lastSecondOf2026 = businessDate(new Date('2026-12-31T16:59:59Z'))
const firstSecondOf2027 = businessDate(new Date('2026-12-31T17:00:00Z'))

t.test('the price carries its inputs, the rules used and what the invoice needs', async (t) => {
  const slice = aSlice([aRate({ version: 3 })], [anAdjustment({ version: 7 })])
  const asked = inputs()
  t.same(priceItems(slice, asked), {
    ok: true,
    inputs: asked,
    decidingDate: '2026-11-20',
    total: 25_000n,
    priceValidTo: '2026-12-31',
    items: [
      {
        lineNo: 1,
        feeCode: 'card',
        rateId: 'card',
        rateVersion: 3,
        kind: 'LE_PHI',
        nameVi: 'Lệ phí cấp thẻ',
        nameEn: null,
        unit: 'CASE',
        quantity: 1,
        copies: null,
        baseAmount: null,
        unitAmount: 50_000n,
        gross: 50_000n,
        adjustmentId: 'half',
        adjustmentVersion: 7,
        reductionAmount: 25_000n,
        net: 25_000n,
        economicCode: '2768',
        chapterCode: null,
        creditor: 'COLLECTING_AGENCY',
        basis: { document: 'Thông tư 1/2025/TT-BTC', article: 'Điều 4' },
        decision: null,
        taxObligationId: null,
        refundRule: 'ALWAYS_DUPLICATE',
      },
    ],
  })
})

t.test('up front the day of submission decides, after the day of the invoice', async (t) => {
  const events = { submittedOn: lastSecondOf2026, issuedOn: firstSecondOf2027 }
  t.equal(decidingDate({ collectionMode: 'UPFRONT', ...events }), '2026-12-31')
  t.equal(decidingDate({ collectionMode: 'AFTER', ...events }), '2027-01-01')
  const slice = aSlice([aRate()], [anAdjustment()])
  t.equal(priced(slice, { collectionMode: 'UPFRONT', ...events }).total, 25_000n)
  t.equal(priced(slice, { collectionMode: 'AFTER', ...events }).total, 50_000n)
})

t.test('the last day of validity counts whole, the next local day not at all', async (t) => {
  const slice = aSlice([aRate({ validFrom: '2026-01-01', validTo: '2026-12-31' })])
  t.equal(priced(slice, { submittedOn: lastSecondOf2026 }).total, 50_000n)
  t.match(refused(slice, { submittedOn: firstSecondOf2027 }), {
    code: 'RATE_EXPIRED',
    lineNo: 1,
    facts: { rate: 'card', validTo: '2026-12-31', date: '2027-01-01' },
  })
  t.equal(priced(slice, { submittedOn: '2026-01-01' }).total, 50_000n)
  t.match(refused(slice, { submittedOn: '2025-12-31' }), {
    code: 'RATE_NOT_YET_VALID',
    facts: { validFrom: '2026-01-01' },
  })
})

t.test('a fee asked by its code takes the rate of the day', async (t) => {
  const slice = aSlice([
    aRate({ id: 'old', validTo: '2026-12-31' }),
    aRate({ id: 'new', validFrom: '2027-01-01', price: { by: 'AMOUNT', amount: 60_000n } }),
  ])
  t.equal(priced(slice, { submittedOn: lastSecondOf2026 }).items[0]?.rateId, 'old')
  t.equal(priced(slice, { submittedOn: firstSecondOf2027 }).items[0]?.rateId, 'new')
  const named = { lines: [aLine({ rateId: 'old' })] }
  t.equal(priced(slice, { ...named, submittedOn: lastSecondOf2026 }).total, 50_000n)
  t.equal(refused(slice, { ...named, submittedOn: firstSecondOf2027 }).code, 'RATE_EXPIRED')
})

t.test('the more specific rate wins, and a portal cannot name the general one past it', async (t) => {
  const slice = aSlice([
    aRate(),
    aRate({ id: 'online', selector: { channel: 'ONLINE' }, price: { by: 'AMOUNT', amount: 40_000n } }),
    aRate({
      id: 'online-ward',
      selector: { channel: 'ONLINE', area: 'WARD' },
      price: { by: 'AMOUNT', amount: 30_000n },
    }),
  ])
  t.equal(priced(slice, { channel: 'COUNTER' }).total, 50_000n)
  t.equal(priced(slice).total, 40_000n)
  t.equal(priced(slice, { area: 'WARD' }).total, 30_000n)
  t.match(refused(slice, { lines: [aLine({ rateId: 'card' })] }), {
    code: 'RATE_OVERRIDDEN',
    facts: { expected: 'online' },
  })
})

t.test('two rates that fit and do not outrank each other are refused', async (t) => {
  const equal = aSlice([
    aRate({ id: 'student', selector: { payerGroups: ['STUDENT'] } }),
    aRate({ id: 'merit', selector: { payerGroups: ['MERIT'] } }),
  ])
  const crossing = aSlice([
    aRate({ id: 'ward', selector: { area: 'WARD' } }),
    aRate({ id: 'online', selector: { channel: 'ONLINE' } }),
  ])
  const both = refused(equal, { payerGroups: ['STUDENT', 'MERIT'] })
  t.match(both, { code: 'RATE_AMBIGUOUS', facts: { rates: 'student, merit' } })
  t.equal(refused(crossing, { area: 'WARD' }).code, 'RATE_AMBIGUOUS')
  t.equal(
    refused(crossing, { area: 'WARD', lines: [aLine({ rateId: 'ward' })] }).code,
    'RATE_AMBIGUOUS',
    'naming one is no answer',
  )
  t.equal(priced(equal, { payerGroups: ['STUDENT', 'UNKNOWN_TO_THE_CATALOGUE'] }).items[0]?.rateId, 'student')
})

t.test('a rate whose circumstances are missing is refused, and the refusal names them', async (t) => {
  const slice = aSlice([
    aRate({ id: 'one', selector: { area: 'AREA_1' } }),
    aRate({ id: 'two', selector: { area: 'AREA_2' } }),
  ])
  t.match(refused(slice), {
    code: 'RATE_NOT_APPLICABLE',
    facts: { unmet: 'area', rate: 'one, two' },
    messageVi: /area/,
  })
  t.equal(refused(slice, { area: 'AREA_1', lines: [aLine({ rateId: 'two' })] }).code, 'RATE_NOT_APPLICABLE')
})

t.test('a misspelt case or area is refused instead of priced as the general one', async (t) => {
  const slice = aSlice([
    aRate(),
    aRate({ id: 'late', selector: { serviceCase: 'LATE' } }),
    aRate({ id: 'ward', selector: { area: 'WARD' } }),
  ])
  t.match(refused(slice, { serviceCase: 'LATEE' }), { code: 'UNKNOWN_SERVICE_CASE', facts: { known: 'LATE' } })
  t.match(refused(slice, { area: 'WARDS' }), { code: 'UNKNOWN_AREA', facts: { known: 'WARD' } })
  t.equal(
    priced(aSlice([aRate()]), { serviceCase: 'ANY', area: 'ANY' }).total,
    50_000n,
    'where nothing depends on them they do no harm',
  )
})

t.test('an exemption beats any reduction, and of reductions the most favourable one counts alone', async (t) => {
  const half = anAdjustment()
  const tenth = anAdjustment({ id: 'tenth', percent: percent('10') })
  const most = anAdjustment({ id: 'most', percent: percent('80'), selector: { payerGroups: ['MERIT'] } })
  const free = anAdjustment({ id: 'free', kind: 'EXEMPTION', percent: null, selector: { payerGroups: ['CHILD'] } })
  const slice = aSlice([aRate()], [tenth, half, most, free])
  const used = (groups: string[]) => {
    const { items, total } = priced(slice, { payerGroups: groups })
    return [items[0]?.adjustmentId, total]
  }
  t.same(used([]), ['half', 25_000n])
  t.same(used(['MERIT']), ['most', 10_000n])
  t.same(used(['MERIT', 'CHILD']), ['free', 0n])
})

t.test('of equal adjustments the longest in force is named, whatever their order', async (t) => {
  const short = anAdjustment({ id: 'a-short', validTo: '2026-11-30' })
  const long = anAdjustment({ id: 'b-long' })
  for (const order of [
    [short, long],
    [long, short],
  ]) {
    t.match(priced(aSlice([aRate()], order)), { priceValidTo: '2026-12-31', items: [{ adjustmentId: 'b-long' }] })
  }
})

t.test('an adjustment counts only for its rates, days, channel and e-ID level', async (t) => {
  const waiver = anAdjustment({
    kind: 'EXEMPTION',
    percent: null,
    minEIdLevel: 2,
    validFrom: '2026-08-15',
    validTo: '2027-02-28',
    selector: { channel: 'ONLINE', payerGroups: ['DIGITAL_CITIZEN'] },
  })
  const slice = aSlice([aRate(), aRate({ id: 'other', feeCode: 'other' })], [waiver])
  const citizen = { payerGroups: ['DIGITAL_CITIZEN'], eIdLevel: 2 }
  t.equal(priced(slice, citizen).total, 0n)
  t.equal(priced(slice, { ...citizen, eIdLevel: 3 }).total, 0n)
  t.equal(priced(slice, { ...citizen, eIdLevel: 1 }).total, 50_000n)
  t.equal(priced(slice, { ...citizen, eIdLevel: null }).total, 50_000n)
  t.equal(priced(slice, { ...citizen, payerGroups: [] }).total, 50_000n)
  t.equal(priced(slice, { ...citizen, channel: 'COUNTER' }).total, 50_000n)
  t.equal(priced(slice, { ...citizen, lines: [aLine({ feeCode: 'other' })] }).total, 50_000n)
  t.equal(priced(slice, { ...citizen, submittedOn: '2026-08-14' }).total, 50_000n)
  t.equal(priced(slice, { ...citizen, submittedOn: businessDate(new Date('2027-02-28T16:59:59Z')) }).total, 0n)
  t.equal(priced(slice, { ...citizen, submittedOn: businessDate(new Date('2027-02-28T17:00:00Z')) }).total, 50_000n)
})

t.test('what is left to pay is rounded half up', async (t) => {
  const slice = aSlice([aRate({ price: { by: 'AMOUNT', amount: 5n } })], [anAdjustment()])
  t.match(priced(slice), { total: 3n, items: [{ gross: 5n, reductionAmount: 2n, net: 3n }] })
})

const pages = aRate({
  id: 'pages',
  feeCode: 'pages',
  unit: 'PAGE',
  cap: 200_000n,
  price: {
    by: 'TIERS',
    tiers: [
      { upTo: 2, amount: 2_000n },
      { upTo: null, amount: 1_000n },
    ],
  },
})
const appraisal = aRate({
  id: 'share',
  feeCode: 'share',
  unit: 'PERCENT',
  cap: 5_000_000n,
  floor: 10_000n,
  price: { by: 'PERCENT', percent: percent('0.15') },
})

t.test('pages cost by tier up to the cap, per copy', async (t) => {
  const total = (quantity: number, copies: number | null = null) =>
    priced(aSlice([pages]), { lines: [aLine({ feeCode: 'pages' }, { quantity, copies })] }).total
  t.same(
    [1, 2, 3, 150, 198, 199, 1000].map((quantity) => total(quantity)),
    [2_000n, 4_000n, 5_000n, 152_000n, 200_000n, 200_000n, 200_000n],
  )
  t.equal(total(3, 4), 20_000n)
  t.equal(total(1000, 3), 600_000n, 'each copy has its own cap')
})

t.test('a percentage is rounded, then held between floor and cap', async (t) => {
  const total = (baseAmount: bigint) =>
    priced(aSlice([appraisal]), { lines: [aLine({ feeCode: 'share' }, { baseAmount })] }).total
  t.equal(total(3_333_333_333n), 5_000_000n, 'rounded up to the cap')
  t.equal(total(3_333_333_334n), 5_000_000n)
  t.equal(total(3_333_332_999n), 4_999_999n)
  t.equal(total(100_000_000_000n), 5_000_000n)
  t.equal(total(1n), 10_000n)
})

t.test('measures that make no sense for the fee are refused', async (t) => {
  const slice = aSlice([aRate(), pages, appraisal])
  const code = (feeCode: string, over: Parameters<typeof aLine>[1]) =>
    refused(slice, { lines: [aLine({ feeCode }, over)] }).code
  for (const quantity of [0, -1, 1.5, Number.NaN, 100_001])
    t.equal(code('card', { quantity }), 'QUANTITY_NOT_ALLOWED', String(quantity))
  t.equal(code('share', { quantity: 2, baseAmount: 1n }), 'QUANTITY_NOT_ALLOWED')
  t.equal(code('card', { copies: 2 }), 'COPIES_NOT_ALLOWED')
  for (const copies of [0, 0.5, 10_001]) t.equal(code('pages', { copies }), 'COPIES_NOT_ALLOWED')
  t.equal(code('share', {}), 'BASE_AMOUNT_REQUIRED')
  t.equal(code('share', { baseAmount: 0n }), 'BASE_AMOUNT_NOT_ALLOWED')
  t.equal(code('card', { baseAmount: 5n }), 'BASE_AMOUNT_NOT_ALLOWED')
})

t.test('amounts no rail can carry are refused, in one line and in the sum', async (t) => {
  const huge = aSlice([aRate({ price: { by: 'AMOUNT', amount: 600_000_000_000_000n } })])
  t.match(refused(huge, { lines: [aLine({ feeCode: 'card' }, { quantity: 2 })] }), {
    code: 'AMOUNT_TOO_LARGE',
    lineNo: 1,
  })
  t.match(refused(huge, { lines: [aLine({ feeCode: 'card' }), aLine({ feeCode: 'card' })] }), {
    code: 'AMOUNT_TOO_LARGE',
    lineNo: null,
  })
})

t.test('the dossier itself is checked first', async (t) => {
  const slice = aSlice([aRate()])
  t.equal(refused(slice, { procedureCode: '2.001194' }).code, 'WRONG_PROCEDURE')
  t.equal(refused(slice, { procedureCode: 'x' }).code, 'WRONG_PROCEDURE')
  t.equal(
    priced(slice, { procedureCode: '2.001195.000.00.00.H56' }).total,
    50_000n,
    'another spelling of the procedure is the same one',
  )
  t.equal(refused(slice, { submittedOn: '2026-02-30' }).code, 'NO_SUCH_DATE')
  t.equal(refused(slice, { submittedOn: '2026-11-21', issuedOn: '2026-11-20' }).code, 'SUBMITTED_AFTER_ISSUE')
  t.equal(refused(slice, { lines: [] }).code, 'NO_ITEMS')
  t.match(refused(slice, { lines: [aLine({ feeCode: 'card' }), aLine({ rateId: 'none' })] }), {
    code: 'UNKNOWN_RATE',
    lineNo: 2,
  })
  t.match(refused(slice, { lines: [aLine({ feeCode: 'none' })] }), {
    code: 'UNKNOWN_FEE',
    messageEn: 'Fee none is not in the catalogue',
  })
})

t.test('the price holds to the last common day of all rules used', async (t) => {
  const slice = aSlice([
    aRate({ validTo: '2027-06-30' }),
    aRate({ id: 'b', feeCode: 'b', validTo: '2027-01-31' }),
    aRate({ id: 'c', feeCode: 'c' }),
  ])
  const until = (...fees: string[]) => priced(slice, { lines: fees.map((feeCode) => aLine({ feeCode })) }).priceValidTo
  t.equal(until('card', 'b', 'c'), '2027-01-31')
  t.equal(until('card', 'c'), '2027-06-30')
  t.equal(until('c'), null)
})

const decision = { number: '123/QĐ-XPHC', date: '2026-11-18', authority: 'Phòng Cảnh sát giao thông' }
const fine = {
  kind: 'FINE',
  nameVi: 'Tiền phạt',
  amount: 4_000_000n,
  economicCode: '4254',
  chapterCode: '018',
  taxObligationId: null,
  decision,
} as const

t.test('a tax or fine takes the amount of its decision beside the fees, with the budget as creditor', async (t) => {
  const tax = {
    ...fine,
    kind: 'TAX',
    nameVi: 'Lệ phí trước bạ',
    amount: 3_000_000_000n,
    economicCode: '2801',
    taxObligationId: 'ab12345',
  } as const
  const { items, total } = priced(aSlice([aRate()]), { lines: [aLine({ feeCode: 'card' }), fine, tax] })
  t.equal(total, 3_004_050_000n)
  t.match(items[1], {
    lineNo: 2,
    rateId: null,
    kind: 'FINE',
    net: 4_000_000n,
    creditor: 'STATE_BUDGET',
    refundRule: 'NEVER',
    decision,
  })
  t.match(items[2], { kind: 'TAX', economicCode: '2801', refundRule: 'TAX_LAW', taxObligationId: 'ab12345' })
  t.equal(items[2]?.taxObligationId, 'ab12345', 'the obligation id goes through unchanged')
})

t.test('a decision may be younger than the submission, never than the invoice', async (t) => {
  const slice = aSlice([aRate()])
  const days = { submittedOn: '2026-11-01', issuedOn: '2026-11-18', lines: [fine] }
  t.equal(priced(slice, days).total, 4_000_000n)
  t.equal(refused(slice, { ...days, issuedOn: '2026-11-17' }).code, 'DECISION_INVALID')
})

t.test('a decision with a hole is refused', async (t) => {
  const slice = aSlice([aRate()])
  const wrong = [
    { ...fine, amount: 0n },
    { ...fine, amount: 1_000_000_000_000_000n },
    { ...fine, nameVi: ' ' },
    { ...fine, nameVi: 'Tiền|phạt' },
    { ...fine, economicCode: '425' },
    { ...fine, chapterCode: '18' },
    { ...fine, taxObligationId: 'AB12345' },
    { ...fine, kind: 'TAX', taxObligationId: 'A|12345' } as const,
    { ...fine, decision: { ...decision, number: '' } },
    { ...fine, decision: { ...decision, number: '1\u200b2' } },
    { ...fine, decision: { ...decision, authority: 'a'.repeat(256) } },
    { ...fine, decision: { ...decision, date: '2026-02-30' } },
  ]
  for (const line of wrong) t.match(refused(slice, { lines: [line] }), { code: 'DECISION_INVALID', lineNo: 1 })
})

t.test('a tax of the catalogue cannot be priced from the table', async (t) => {
  const slice = aSlice([
    aRate({ kind: 'TAX', unit: 'PERCENT', price: { by: 'DECISION', guide: { percent: percent('10') } } }),
  ])
  t.equal(refused(slice, { lines: [aLine({ feeCode: 'card' }, { baseAmount: 1_000n })] }).code, 'DECISION_REQUIRED')
})

const anyPercent = fc
  .integer({ min: 1, max: 10_000 })
  .map((n) => percent(`${Math.trunc(n / 100)}.${String(n % 100).padStart(2, '0')}`))
const anyAmount = fc.bigInt({ min: 0n, max: 1_000_000_000n })

t.test('net is gross less the reduction and not negative; the total is the sum of the items', async () => {
  const adjustments = fc.array(fc.tuple(anyPercent, fc.boolean()), { maxLength: 4 })
  const fees = fc.array(fc.tuple(anyAmount, fc.integer({ min: 1, max: 100 })), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fees, adjustments, (amounts, overlays) => {
      const rates = amounts.map(([amount], index) =>
        aRate({ id: `r${index}`, feeCode: `r${index}`, price: { by: 'AMOUNT', amount } }),
      )
      const rateIds = rates.map(({ id }) => id)
      const slice = aSlice(
        rates,
        overlays.map(([part, free], index) =>
          anAdjustment({
            id: `a${index}`,
            rateIds,
            kind: free ? 'EXEMPTION' : 'REDUCTION',
            percent: free ? null : part,
          }),
        ),
      )
      const lines = amounts.map(([, quantity], index) => aLine({ feeCode: `r${index}` }, { quantity }))
      const { items, total } = priced(slice, { lines })
      return (
        items.every(
          ({ gross, reductionAmount, net }) => net === gross - reductionAmount && net >= 0n && reductionAmount >= 0n,
        ) &&
        total === items.reduce((sum, { net }) => sum + net, 0n) &&
        (!overlays.some(([, free]) => free) || total === 0n)
      )
    }),
  )
})

t.test('no amount passes its cap or stays below its floor, and a larger value never costs less', async () => {
  const base = fc.bigInt({ min: 1n, max: 999_999_999_999_999n })
  fc.assert(
    fc.property(base, base, anyPercent, anyAmount, anyAmount, (one, other, part, floor, over) => {
      const slice = aSlice([aRate({ ...appraisal, floor, cap: floor + over, price: { by: 'PERCENT', percent: part } })])
      const total = (baseAmount: bigint) =>
        priced(slice, { lines: [aLine({ feeCode: 'share' }, { baseAmount })] }).total
      const [low, high] = one < other ? [one, other] : [other, one]
      return total(low) >= floor && total(high) <= floor + over && total(low) <= total(high)
    }),
  )
})

t.test('more pages and more copies never cost less', async () => {
  const tiers = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.bigInt({ min: 0n, max: 5_000n })), {
      minLength: 1,
      maxLength: 4,
    })
    .map((steps) => {
      let upTo = 0
      return steps.map(([width, amount], index) => {
        upTo += width
        return { upTo: index === steps.length - 1 ? null : upTo, amount }
      })
    })
  fc.assert(
    fc.property(
      tiers,
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 20 }),
      fc.bigInt({ min: 1n, max: 300_000n }),
      (steps, quantity, copies, cap) => {
        const slice = aSlice([aRate({ ...pages, cap, price: { by: 'TIERS', tiers: steps } })])
        const total = (n: number, c: number) =>
          priced(slice, { lines: [aLine({ feeCode: 'pages' }, { quantity: n, copies: c })] }).total
        const page = Array.from(
          { length: quantity },
          (_, index) => steps.find(({ upTo }) => upTo === null || index < upTo)?.amount ?? 0n,
        )
        const counted = page.reduce((sum, amount) => sum + amount, 0n)
        const capped = counted > cap
        return (
          total(quantity, 1) === (capped ? cap : counted) &&
          total(quantity, copies) === total(quantity, 1) * BigInt(copies) &&
          total(quantity + 1, copies) >= total(quantity, copies)
        )
      },
    ),
  )
})
