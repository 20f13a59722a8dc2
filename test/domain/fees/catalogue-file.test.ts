import t from 'tap'
import { type CatalogueProblem, feeRate, readCatalogue, sliceOf } from '../../../src/domain/fees/catalogue-file.ts'

const basis = { document: 'Thông tư 1/2025/TT-BTC', article: 'Điều 4' }
const rate = {
  id: 'card',
  feeCode: 'card',
  kind: 'LE_PHI',
  nameVi: 'Lệ phí cấp thẻ',
  unit: 'CASE',
  amount: 50_000,
  creditor: 'COLLECTING_AGENCY',
  basis,
  refundRule: 'NEVER',
  validFrom: '2025-01-01',
}
const overlay = {
  id: 'half',
  kind: 'REDUCTION',
  nameVi: 'Giảm',
  rateIds: ['card'],
  percent: '50',
  basis,
  validFrom: '2025-07-01',
  validTo: '2026-12-31',
}
const tax = {
  ...rate,
  id: 'tax',
  feeCode: 'tax',
  kind: 'TAX',
  unit: 'PERCENT',
  amount: undefined,
  creditor: 'STATE_BUDGET',
  refundRule: 'TAX_LAW',
}

type Over = { rates?: object[]; adjustments?: object[]; top?: object; procedure?: object; more?: object[] }

function file({ rates = [rate], adjustments = [], top = {}, procedure = {}, more = [] }: Over): unknown {
  const first = {
    code: '2.001195',
    nameVi: 'Cấp đổi thẻ',
    agencyLevel: 'PROVINCE',
    serviceScope: 'FULL',
    rates,
    ...procedure,
  }
  // Through JSON, as a file comes: undefined fields vanish.
  return JSON.parse(
    JSON.stringify({
      format: 'feegate-catalogue/1',
      version: '1',
      illustrative: false,
      source: 'Quyết định',
      decision: { number: '1/QĐ', date: '2026-01-01' },
      procedures: [first, ...more],
      adjustments,
      ...top,
    }),
  )
}

function problems(over: Over): readonly CatalogueProblem[] {
  const result = readCatalogue(file(over))
  return result.ok ? [] : result.problems
}

t.test('amounts come as integers or decimal strings, and leave as bigint', async (t) => {
  for (const amount of [50_000, '50000']) {
    t.match(feeRate.parse({ ...rate, amount }), { price: { by: 'AMOUNT', amount: 50_000n } })
  }
  t.match(feeRate.parse({ ...rate, amount: '3333333334' }), { price: { amount: 3_333_333_334n } })
  t.same(feeRate.parse(rate), {
    id: 'card',
    feeCode: 'card',
    kind: 'LE_PHI',
    nameVi: 'Lệ phí cấp thẻ',
    nameEn: null,
    unit: 'CASE',
    price: { by: 'AMOUNT', amount: 50_000n },
    cap: null,
    floor: null,
    economicCode: null,
    chapterCode: null,
    creditor: 'COLLECTING_AGENCY',
    basis,
    refundRule: 'NEVER',
    validFrom: '2025-01-01',
    validTo: null,
    selector: { serviceCase: null, area: null, channel: null, payerGroups: [] },
  })
})

t.test('percentages, tiers, caps and tax rates without a table are read', async (t) => {
  const share = { ...rate, amount: undefined, unit: 'PERCENT', percent: '0.15', cap: 5_000_000 }
  t.match(feeRate.parse(share), {
    price: { by: 'PERCENT', percent: { numerator: 15n, denominator: 10_000n } },
    cap: 5_000_000n,
  })
  const tiered = { ...rate, amount: undefined, unit: 'PAGE', tiers: [{ upTo: 2, amount: 2_000 }, { amount: 1_000 }] }
  t.same(feeRate.parse(tiered).price, {
    by: 'TIERS',
    tiers: [
      { upTo: 2, amount: 2_000n },
      { upTo: null, amount: 1_000n },
    ],
  })
  t.same(feeRate.parse(tax).price, { by: 'DECISION', guide: null })
  t.match(feeRate.parse({ ...tax, percent: '10' }).price, { by: 'DECISION', guide: { percent: { numerator: 10n } } })
  t.same(problems({ rates: [rate, tax], adjustments: [overlay] }), [])
})

const refusals: Readonly<Record<string, readonly [Over, string]>> = {
  'an unknown key at the top': [{ top: { extra: 1 } }, ''],
  'an unknown key in a rate': [{ rates: [{ ...rate, amout: 1 }] }, 'procedures.0.rates.0'],
  'an unknown key in an adjustment': [{ adjustments: [{ ...overlay, percentage: '5' }] }, 'adjustments.0'],
  'another format': [{ top: { format: 'feegate-catalogue/2' } }, 'format'],
  'no label whether it is illustrative': [{ top: { illustrative: undefined } }, 'illustrative'],
  'a fraction of a đồng': [{ rates: [{ ...rate, amount: 1.5 }] }, 'procedures.0.rates.0.amount'],
  'a grouped amount': [{ rates: [{ ...rate, amount: '50.000' }] }, 'procedures.0.rates.0.amount'],
  'a negative amount': [{ rates: [{ ...rate, amount: -1 }] }, 'procedures.0.rates.0.amount'],
  'a percentage as a number': [
    { rates: [{ ...rate, amount: undefined, unit: 'PERCENT', percent: 0.15 }] },
    'procedures.0.rates.0.percent',
  ],
  'an amount and a percentage': [{ rates: [{ ...rate, percent: '5' }] }, 'procedures.0.rates.0'],
  'no price': [{ rates: [{ ...rate, amount: undefined }] }, 'procedures.0.rates.0'],
  'an unknown kind': [{ rates: [{ ...rate, kind: 'FEE' }] }, 'procedures.0.rates.0.kind'],
  'a day that does not exist': [{ rates: [{ ...rate, validFrom: '2025-02-30' }] }, 'procedures.0.rates.0.validFrom'],
  'a rate that ends before it begins': [
    { rates: [{ ...rate, validTo: '2024-12-31' }] },
    'procedures.0.rates.0.validTo',
  ],
  'an adjustment that ends before it begins': [
    { adjustments: [{ ...overlay, validTo: '2025-06-30' }] },
    'adjustments.0.validTo',
  ],
  'a procedure code of the wrong form': [{ procedure: { code: '2.00119' } }, 'procedures.0.code'],
  'an economic code of the wrong form': [
    { rates: [{ ...rate, economicCode: '276' }] },
    'procedures.0.rates.0.economicCode',
  ],
  'a name in decomposed letters': [
    { rates: [{ ...rate, nameVi: 'Lệ phí'.normalize('NFD') }] },
    'procedures.0.rates.0.nameVi',
  ],
  'a bar in a name': [{ rates: [{ ...rate, nameVi: 'Lệ|phí' }] }, 'procedures.0.rates.0.nameVi'],
  'one rate id twice': [{ rates: [rate, { ...rate, feeCode: 'b' }] }, 'procedures.0.rates.1.id'],
  'one adjustment id twice': [{ adjustments: [overlay, overlay] }, 'adjustments.1.id'],
  'one procedure twice under two spellings': [
    {
      more: [
        {
          code: '2.001195.H56',
          nameVi: 'Cấp đổi',
          agencyLevel: 'PROVINCE',
          serviceScope: 'FULL',
          rates: [{ ...rate, id: 'b', feeCode: 'b' }],
        },
      ],
    },
    'procedures.1.code',
  ],
  'two rates for the same people on the same day': [
    {
      rates: [
        { ...rate, validTo: '2026-12-31' },
        { ...rate, id: 'b', validFrom: '2026-12-31' },
      ],
    },
    'procedures.0.rates.1',
  ],
  'two rates that share a payer group': [
    {
      rates: [
        { ...rate, payerGroups: ['A', 'B'] },
        { ...rate, id: 'b', payerGroups: ['B', 'C'] },
      ],
    },
    'procedures.0.rates.1',
  ],
  'two kinds under one fee': [
    { rates: [rate, { ...rate, id: 'b', kind: 'PHI', area: 'WARD' }] },
    'procedures.0.rates.1.feeCode',
  ],
  'postage owed to the agency': [{ rates: [{ ...rate, kind: 'POSTAGE' }] }, 'procedures.0.rates.0.creditor'],
  'a tax that refunds like a fee': [{ rates: [{ ...tax, refundRule: 'NEVER' }] }, 'procedures.0.rates.0.refundRule'],
  'a percentage by the page': [
    { rates: [{ ...rate, amount: undefined, percent: '5', unit: 'PAGE' }] },
    'procedures.0.rates.0.unit',
  ],
  'an amount by percent': [{ rates: [{ ...rate, unit: 'PERCENT' }] }, 'procedures.0.rates.0.unit'],
  'a floor above the cap': [{ rates: [{ ...rate, floor: 2, cap: 1 }] }, 'procedures.0.rates.0.floor'],
  'a cap on what a decision sets': [{ rates: [{ ...tax, cap: 1 }] }, 'procedures.0.rates.0.cap'],
  'tiers that do not climb': [
    {
      rates: [
        {
          ...rate,
          amount: undefined,
          unit: 'PAGE',
          tiers: [{ upTo: 2, amount: 1 }, { upTo: 2, amount: 1 }, { amount: 1 }],
        },
      ],
    },
    'procedures.0.rates.0.tiers',
  ],
  'tiers without an open end': [
    { rates: [{ ...rate, amount: undefined, unit: 'PAGE', tiers: [{ upTo: 2, amount: 1 }] }] },
    'procedures.0.rates.0.tiers',
  ],
  'tiers after the open end': [
    { rates: [{ ...rate, amount: undefined, unit: 'PAGE', tiers: [{ amount: 1 }, { upTo: 2, amount: 1 }] }] },
    'procedures.0.rates.0.tiers',
  ],
  'a reduction without a percentage': [{ adjustments: [{ ...overlay, percent: undefined }] }, 'adjustments.0'],
  'an exemption with a percentage': [{ adjustments: [{ ...overlay, kind: 'EXEMPTION' }] }, 'adjustments.0'],
  'an adjustment of no rate': [{ adjustments: [{ ...overlay, rateIds: ['none'] }] }, 'adjustments.0.rateIds.0'],
  'an adjustment of a tax': [
    { rates: [rate, tax], adjustments: [{ ...overlay, rateIds: ['card', 'tax'] }] },
    'adjustments.0.rateIds.1',
  ],
}

for (const [what, [over, path]] of Object.entries(refusals)) {
  t.test(`${what} is refused where it stands`, async (t) => {
    const found = problems(over)
    t.same(
      found.map((problem) => problem.path),
      [path],
    )
    t.ok(found.every(({ messageVi, messageEn }) => messageVi !== '' && messageEn !== '' && !messageEn.includes(' | ')))
  })
}

t.test('something that is no catalogue at all is refused', async (t) => {
  for (const data of [null, 1, 'x', [], {}]) t.notOk(readCatalogue(data).ok)
})

t.test('the same selector in periods that follow each other is two rates of one fee', async (t) => {
  t.same(
    problems({
      rates: [
        { ...rate, validTo: '2026-12-31' },
        { ...rate, id: 'b', validFrom: '2027-01-01' },
      ],
    }),
    [],
  )
})

t.test('a slice holds the procedure, the rates any procedure may use, and only the adjustments of these', async (t) => {
  const post = {
    code: '9.000002',
    nameVi: 'Bưu chính',
    agencyLevel: 'COMMUNE',
    serviceScope: 'FULL',
    usedWithAny: true,
    rates: [{ ...rate, id: 'post', feeCode: 'post', kind: 'POSTAGE', creditor: 'PUBLIC_POST' }],
  }
  const other = {
    code: '1.000894',
    nameVi: 'Kết hôn',
    agencyLevel: 'COMMUNE',
    serviceScope: 'FULL',
    rates: [{ ...rate, id: 'other', feeCode: 'other' }],
  }
  const result = readCatalogue(
    file({ more: [post, other], adjustments: [overlay, { ...overlay, id: 'x', rateIds: ['other'] }] }),
  )
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  const slice = sliceOf(result.catalogue, '2.001195.000.00.00.H56', 4)
  t.same(
    slice?.rates.map(({ id, version }) => [id, version]),
    [
      ['card', 4],
      ['post', 4],
    ],
  )
  t.same(
    slice?.adjustments.map(({ id }) => id),
    ['half'],
  )
  t.match(slice?.procedure, { code: '2.001195', usedWithAny: false })
  t.notOk(slice !== null && 'rates' in slice.procedure)
  t.equal(sliceOf(result.catalogue, '1.999999'), null)
  t.equal(sliceOf(result.catalogue, 'x'), null)
})
