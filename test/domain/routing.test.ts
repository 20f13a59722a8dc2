import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import {
  emptyRulebook,
  type RouteAccount,
  type RouteQuestion,
  type Rulebook,
  routeChecks,
} from '../../src/domain/routing/checks.ts'
import type { RoutingRule } from '../../src/domain/routing/rules.ts'
import { decideRoutes, type Route, refusalsOf, tryOrder } from '../../src/domain/routing.ts'
import { anAccount, aQuestion, aRule, friday } from './routing/build.ts'

const rulesOnly = (...rules: RoutingRule[]): Rulebook => ({ ...emptyRulebook, rules })
const codes = (route: Route | undefined): string[] => refusalsOf(route ?? { findings: [] }).map(({ code }) => code)
const standings = (routes: readonly Route[]) =>
  routes.map(({ account, standing, rank }) => [account.id, standing, rank])

t.test('without rules every active account within its rail’s limits is offered, by position and name', async (t) => {
  const accounts = [
    anAccount({ id: 'c', position: 1 }),
    anAccount({ id: 'b', position: 2 }),
    anAccount({ id: 'a', position: 2 }),
  ]
  t.same(standings(decideRoutes(accounts, aQuestion(), emptyRulebook)), [
    ['c', 'OFFERED', 1],
    ['a', 'OFFERED', 2],
    ['b', 'OFFERED', 3],
  ])
})

t.test('each check refuses for its own reason, tells its numbers and names who decided', async (t) => {
  const office = {
    id: 'office',
    version: 3,
    weekly: [{ days: ['MON' as const], from: '08:00', to: '17:00' }],
    dates: [],
  }
  const rules = (set: RoutingRule['set']): Rulebook => ({
    ...emptyRulebook,
    calendars: [office],
    rules: [aRule(set, { version: 7 })],
  })
  const maintenance = {
    id: 'upgrade',
    version: 2,
    railAccountIds: [],
    rails: [],
    reasonVi: 'Nâng cấp',
    reasonEn: 'Upgrade',
    from: new Date('2026-11-20T04:00:00Z'),
    to: new Date('2026-11-20T06:00:00Z'),
  }
  const cases: [string, Partial<RouteAccount>, Partial<RouteQuestion>, Rulebook, object][] = [
    [
      'account',
      { active: false },
      {},
      emptyRulebook,
      { decidedBy: { kind: 'account', id: 'vnpay-a' }, facts: { status: 'PAUSED' } },
    ],
    ['startable', { startable: false }, {}, emptyRulebook, { decidedBy: { kind: 'rail', id: 'vnpay' } }],
    ['switch', {}, {}, rules({ offered: false }), { decidedBy: { kind: 'rule', id: 'rule-a', version: 7 } }],
    [
      'channel',
      {},
      { channel: 'COUNTER' },
      rules({ channels: ['ONLINE'] }),
      { facts: { channel: 'COUNTER', allowed: ['ONLINE'] } },
    ],
    ['locale', {}, { locale: 'en' }, rules({ locales: ['vi'] }), { facts: { locale: 'en', allowed: ['vi'] } }],
    [
      'rail-limit',
      { maxAmount: 57_999n },
      {},
      emptyRulebook,
      { facts: { amount: 58_000n, maxAmount: 57_999n }, en: '58,000 VND is above the limit of the rail, 57,999 VND.' },
    ],
    [
      'rail-limit',
      { minAmount: 58_001n },
      {},
      emptyRulebook,
      { vi: '58.000 ₫ dưới mức thấp nhất của kênh là 58.001 ₫.' },
    ],
    [
      'rule-limit',
      {},
      {},
      rules({ maxAmount: 57_999n }),
      { decidedBy: { kind: 'rule', id: 'rule-a', version: 7 }, facts: { maxAmount: 57_999n } },
    ],
    ['rule-limit', {}, {}, rules({ minAmount: 58_001n }), { facts: { minAmount: 58_001n } }],
    [
      'hours',
      {},
      {},
      rules({ calendarId: 'office' }),
      {
        decidedBy: { kind: 'calendar', id: 'office', version: 3 },
        until: new Date('2026-11-23T01:00:00Z'),
        vi: 'Ngoài giờ nhận thanh toán, mở lại lúc 08:00 23/11/2026.',
      },
    ],
    [
      'maintenance',
      {},
      {},
      { ...emptyRulebook, closures: [maintenance] },
      {
        decidedBy: { kind: 'closure', id: 'upgrade', version: 2 },
        until: maintenance.to,
        en: 'Upgrade, until 13:00 20/11/2026.',
      },
    ],
    [
      'circuit',
      { circuit: { open: true, until: new Date('2026-11-20T05:00:30Z') } },
      {},
      emptyRulebook,
      { decidedBy: { kind: 'circuit' }, facts: { open: true, whenUnanswered: 'HIDE' } },
    ],
  ]
  for (const [code, account, question, rulebook, told] of cases) {
    const [route] = decideRoutes([anAccount(account)], aQuestion(question), rulebook)
    t.equal(route?.standing, 'NOT_OFFERED', code)
    t.same(codes(route), [code])
    t.match(refusalsOf(route ?? { findings: [] })[0], told, code)
  }
  t.same(
    [...new Set(cases.map(([code]) => code))],
    routeChecks.map(({ code }) => code),
    'every check of the table was tried',
  )
})

t.test('every check of the table stands in docs/routing.md', async (t) => {
  const page = readFileSync(new URL('../../docs/routing.md', import.meta.url), 'utf8')
  for (const { code, means } of routeChecks) t.ok(page.includes(`| \`${code}\` | ${means} |`), code)
})

t.test('a rule that names a calendar nobody knows keeps the account away', async (t) => {
  const [route] = decideRoutes([anAccount()], aQuestion(), rulesOnly(aRule({ calendarId: 'lost' })))
  t.same(codes(route), ['hours'])
})

t.test('a silent rail goes last when its rule says so, also behind a worse place', async (t) => {
  const open = { open: true, until: new Date(friday.getTime() + 1000) } as const
  const accounts = [anAccount({ id: 'silent', position: 0, circuit: open }), anAccount({ id: 'good', position: 9 })]
  const routes = decideRoutes(accounts, aQuestion(), rulesOnly(aRule({ whenUnanswered: 'LAST' })))
  t.same(standings(routes), [
    ['good', 'OFFERED', 1],
    ['silent', 'OFFERED', 2],
  ])
})

t.test('fees are told to whom they are charged and never change the amount', async (t) => {
  const fee = {
    paidBy: 'AGENCY' as const,
    nameVi: 'Phí',
    nameEn: 'Fee',
    fixed: 1_100n,
    basisPoints: 85n,
    least: null,
    most: null,
  }
  const fees = [fee, { ...fee, paidBy: 'PAYER' as const, fixed: 0n, most: 400n }, { ...fee, fixed: 0n, least: 2_000n }]
  const [route] = decideRoutes([anAccount()], aQuestion({ amount: 58_000n }), rulesOnly(aRule({ fees })))
  t.same(
    route?.fees.map(({ paidBy, amount }) => [paidBy, amount]),
    [
      ['AGENCY', 1_593n],
      ['PAYER', 400n],
      ['AGENCY', 2_000n],
    ],
  )
})

const group = (weights: Record<string, number>): { accounts: RouteAccount[]; rulebook: Rulebook } => ({
  accounts: Object.keys(weights).map((id) => anAccount({ id })),
  rulebook: rulesOnly(
    aRule({ group: 'cards' }, { id: 'all', rails: ['vnpay'] }),
    ...Object.entries(weights).map(([id, weight]) => aRule({ weight }, { id: `weight-${id}`, railAccountIds: [id] })),
  ),
})

t.test('equal accounts share invoices by weight; each invoice always finds the same one', async (t) => {
  const { accounts, rulebook } = group({ a: 1, b: 3, c: 6, spare: 0 })
  const rounds = 20_000
  const first = new Map<string, number>()
  for (let index = 0; index < rounds; index++) {
    const routes = decideRoutes(accounts, aQuestion({ invoiceId: `inv_${index}` }), rulebook)
    const shown = routes.filter(({ standing }) => standing === 'OFFERED')
    if (shown.length !== 1) t.fail(`${shown.length} shown`)
    const id = shown[0]?.account.id ?? ''
    first.set(id, (first.get(id) ?? 0) + 1)
  }
  // The invoices are given, so these numbers are the same at every run; 3 standard deviations are below 1.1 %.
  for (const [id, weight] of [
    ['a', 1],
    ['b', 3],
    ['c', 6],
  ] as const)
    t.ok(Math.abs((first.get(id) ?? 0) / rounds - weight / 10) < 0.011, `${id}: ${first.get(id)}`)
  t.equal(first.get('spare'), undefined, 'weight 0 stands behind only')
  const routes = decideRoutes(accounts, aQuestion(), rulebook)
  t.same(
    routes.map(({ share }) => share?.of),
    [10, 10, 10, 10],
  )
  t.equal(routes.at(-1)?.account.id, 'spare')
})

t.test('taking an account out of its group moves only the invoices that were its own', async (t) => {
  const { accounts, rulebook } = group({ a: 2, b: 3, c: 5 })
  const leader = (left: readonly RouteAccount[], invoiceId: string): string =>
    decideRoutes(left, aQuestion({ invoiceId }), rulebook)[0]?.account.id ?? ''
  for (let index = 0; index < 500; index++) {
    const [all, without] = [
      leader(accounts, `inv_${index}`),
      leader(
        accounts.filter(({ id }) => id !== 'c'),
        `inv_${index}`,
      ),
    ]
    if (all !== 'c') t.equal(without, all)
  }
})

t.test('whichever account of a group is asked for, the leader is tried first and the rest behind it', async (t) => {
  const { accounts, rulebook } = group({ a: 1, b: 1, c: 1 })
  const alone = anAccount({ id: 'alone', rail: 'napas' })
  const routes = decideRoutes([...accounts, alone], aQuestion(), rulebook)
  const order = (id: string): string[] => tryOrder(routes, id).map(({ account }) => account.id)
  t.equal(order('a').length, 3)
  t.same(order('b'), order('a'))
  t.equal(order('a')[0], routes.find(({ standing, share }) => standing === 'OFFERED' && share !== null)?.account.id)
  t.same(order('alone'), ['alone'])
  t.same(order('nobody'), [])
  const paused = decideRoutes([...accounts.slice(1), anAccount({ id: 'a', active: false })], aQuestion(), rulebook)
  t.same(
    tryOrder(paused, 'a').map(({ account }) => account.id),
    tryOrder(paused, 'b').map(({ account }) => account.id),
    'an equal stands in for one that is gone',
  )
  t.same(tryOrder(decideRoutes(accounts, aQuestion({ amount: 99_999_999_999n }), rulebook), 'a'), [])
})

t.test('groups of one name at different rails are different groups', async (t) => {
  const accounts = [anAccount({ id: 'a', rail: 'vnpay' }), anAccount({ id: 'b', rail: 'onepay' })]
  const routes = decideRoutes(accounts, aQuestion(), rulesOnly(aRule({ group: 'cards' })))
  t.same(
    routes.map(({ standing }) => standing),
    ['OFFERED', 'OFFERED'],
  )
})

const accountsArbitrary = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    rail: fc.constantFrom('vnpay', 'vietqr', 'napas'),
    active: fc.boolean(),
    startable: fc.boolean(),
    minAmount: fc.bigInt(0n, 100n),
    maxAmount: fc.bigInt(50n, 200n),
    position: fc.integer({ min: 0, max: 2 }),
    circuit: fc.constantFrom(
      { open: false } as const,
      { open: true, until: new Date(friday.getTime() + 5000) } as const,
    ),
  }),
  { selector: ({ id }) => id, maxLength: 6 },
)
const days = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const
const rulebookArbitrary: fc.Arbitrary<Rulebook> = fc.record({
  rules: fc
    .array(
      fc.record({
        railAccountIds: fc.subarray(['a', 'b', 'c']),
        rails: fc.subarray(['vnpay', 'vietqr']),
        agencyCodes: fc.subarray(['H56.14', 'H56.15']),
        procedureCodes: fc.subarray(['1.004194']),
        validFrom: fc.constantFrom(null, '2026-11-21'),
        validTo: fc.constantFrom(null, '2026-11-20'),
        set: fc.record(
          {
            offered: fc.boolean(),
            minAmount: fc.option(fc.bigInt(0n, 150n)),
            maxAmount: fc.option(fc.bigInt(0n, 150n)),
            calendarId: fc.constantFrom(null, 'morning', 'lost'),
            channels: fc.subarray(['ONLINE', 'COUNTER'] as const, { minLength: 1 }),
            locales: fc.subarray(['vi', 'en'] as const, { minLength: 1 }),
            order: fc.option(fc.integer({ min: 0, max: 3 })),
            group: fc.constantFrom(null, 'x', 'y'),
            weight: fc.integer({ min: 0, max: 3 }),
            whenUnanswered: fc.constantFrom('HIDE' as const, 'LAST' as const),
          },
          { requiredKeys: [] },
        ),
      }),
      { maxLength: 5 },
    )
    .map((rules) =>
      rules.map(
        (rule, index): RoutingRule => ({
          ...rule,
          rails: rule.railAccountIds.length > 0 ? [] : rule.rails,
          id: `r${index}`,
          version: 1,
        }),
      ),
    ),
  calendars: fc.constant([{ id: 'morning', version: 1, weekly: [{ days, from: '08:00', to: '11:00' }], dates: [] }]),
  closures: fc
    .array(
      fc.record({
        rails: fc.subarray(['vnpay', 'napas']),
        from: fc.constantFrom(new Date('2026-11-20T01:00:00Z'), new Date('2026-11-20T06:00:00Z')),
        to: fc.constant(new Date('2026-11-20T07:00:00Z')),
      }),
      { maxLength: 2 },
    )
    .map((closures) =>
      closures.map((closure, index) => ({
        ...closure,
        id: `c${index}`,
        version: 1,
        railAccountIds: [],
        reasonVi: 'x',
        reasonEn: 'x',
      })),
    ),
})
const questionArbitrary: fc.Arbitrary<RouteQuestion> = fc.record({
  agencyCode: fc.constantFrom('H56.14', 'H56.15', 'H56.16'),
  procedureCode: fc.constantFrom('1.004194', '1.004222'),
  amount: fc.bigInt(0n, 250n),
  at: fc.constantFrom(friday, new Date('2026-11-20T02:00:00Z'), new Date('2026-11-20T16:59:59Z')),
  channel: fc.constantFrom('ONLINE' as const, 'COUNTER' as const),
  locale: fc.constantFrom('vi' as const, 'en' as const),
  invoiceId: fc.option(fc.constantFrom('inv_1', 'inv_2', 'inv_3')),
})

t.test(
  'the answer is the same in whatever order accounts and rules come, and places are 1, 2, 3 without a gap',
  async (t) => {
    fc.assert(
      fc.property(
        accountsArbitrary,
        questionArbitrary,
        rulebookArbitrary,
        fc.integer({ min: 0, max: 99 }),
        (accounts, question, rulebook, turn) => {
          const turned = <Entry>(entries: readonly Entry[]): Entry[] => {
            const cut = entries.length === 0 ? 0 : turn % entries.length
            return [...entries.slice(cut), ...entries.slice(0, cut)].reverse()
          }
          const routes = decideRoutes(accounts, question, rulebook)
          const again = decideRoutes(turned(accounts), question, {
            ...rulebook,
            rules: turned(rulebook.rules),
            closures: turned(rulebook.closures),
          })
          t.strictSame(again, routes)
          t.strictSame(new Set(routes.map(({ account }) => account.id)), new Set(accounts.map(({ id }) => id)))
          const places = routes.filter(({ standing }) => standing === 'OFFERED').map(({ rank }) => rank)
          t.strictSame(
            places,
            places.map((_, index) => index + 1),
          )
        },
      ),
      { numRuns: 300 },
    )
  },
)

t.test('what is offered passes every check, what is not fails one, and the numbers told say the same', async (t) => {
  fc.assert(
    fc.property(accountsArbitrary, questionArbitrary, rulebookArbitrary, (accounts, question, rulebook) => {
      for (const route of decideRoutes(accounts, question, rulebook)) {
        const passed = route.findings.every((finding) => finding.passed)
        if (passed !== (route.standing !== 'NOT_OFFERED')) return false
        if (route.findings.length !== routeChecks.length) return false
        for (const { code, passed, facts } of route.findings) {
          if (code !== 'rail-limit' && code !== 'rule-limit') continue
          const { amount, minAmount, maxAmount } = facts as Record<string, bigint | null>
          const within = (minAmount ?? 0n) <= (amount ?? 0n) && (amount ?? 0n) <= (maxAmount ?? 10n ** 15n)
          if (amount !== question.amount || within !== passed) return false
        }
      }
      return true
    }),
    { numRuns: 300 },
  )
  t.pass()
})

t.test(
  'nothing outside its limits, hours, closures, channel, language or switch is ever offered or stands by',
  async (t) => {
    const vietnamHour = (at: Date): number => (at.getUTCHours() + 7) % 24
    fc.assert(
      fc.property(accountsArbitrary, questionArbitrary, rulebookArbitrary, (accounts, question, rulebook) => {
        for (const { account, standing, settings } of decideRoutes(accounts, question, rulebook)) {
          if (standing === 'NOT_OFFERED') continue
          const { amount, at, channel, locale } = question
          const value = <Name extends keyof typeof settings>(name: Name) => settings[name].value
          const held = rulebook.closures.some(
            ({ rails, from, to }) => (rails.length === 0 || rails.includes(account.rail)) && from <= at && at < to,
          )
          const closed =
            value('calendarId') === 'lost' ||
            (value('calendarId') === 'morning' && !(vietnamHour(at) >= 8 && vietnamHour(at) < 11))
          const good =
            account.active &&
            account.startable &&
            settings.offered.value &&
            settings.channels.value.includes(channel) &&
            settings.locales.value.includes(locale) &&
            amount >= account.minAmount &&
            amount <= account.maxAmount &&
            amount >= (settings.minAmount.value ?? 0n) &&
            amount <= (settings.maxAmount.value ?? amount) &&
            !held &&
            !closed &&
            (!account.circuit.open || settings.whenUnanswered.value === 'LAST')
          if (!good) return false
        }
        return true
      }),
      { numRuns: 500 },
    )
    t.pass()
  },
)
