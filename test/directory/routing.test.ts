/** The routing section of a directory file: checked whole, kept in versions, and the whole truth when it is there. */
import t, { type Test } from 'tap'
import { type Directory, loadDirectory } from '../../src/directory/load.ts'
import type { RoutingChanges } from '../../src/directory/routing.ts'
import type { Database } from '../../src/store/database.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { testDirectory } from '../harness/gateway.ts'
import { testVault } from '../harness/vault.ts'

type Routing = NonNullable<Directory['routing']>

const rail = 'vnpay-h56-14'
const full = {
  calendars: [
    {
      id: 'office',
      weekly: [{ days: ['MON'], from: '08:00', to: '17:00' }],
      dates: [{ date: '2027-01-01', name: 'Tết', hours: [] }],
    },
  ],
  closures: [
    {
      id: 'upgrade',
      rails: ['vnpay'],
      from: '2026-12-05T23:00:00+07:00',
      to: '2026-12-06T02:00:00+07:00',
      reasonVi: 'Nâng cấp',
      reasonEn: 'Upgrade',
    },
  ],
  rules: [{ id: 'limit', railAccountIds: [rail], set: { maxAmount: 999_999_999_999_999, calendarId: 'office' } }],
} satisfies Routing

async function loader(
  t: Test,
): Promise<{ database: Database; load(routing?: unknown): Promise<RoutingChanges | null> }> {
  const { database } = await testDatabase(t)
  const environment = testEnvironment()
  const vault = testVault()
  return {
    database,
    load: async (routing) => {
      environment.advance(1_000)
      const data = { ...testDirectory(), ...(routing === undefined ? {} : { routing }) }
      return (await database.transaction((tx) => loadDirectory(tx, environment, data, 'test', vault))).routing
    },
  }
}

const entries = (database: Database) =>
  database.query<{ kind: string; id: string; version: number; current: boolean }>(
    'SELECT kind, id, version, withdrawn_at IS NULL AS current FROM routing_entries ORDER BY kind, id, version',
    [],
  )

t.test(
  'entries get versions: unchanged ones stay, changed ones follow, missing ones are withdrawn, and one that returns goes on',
  async (t) => {
    const { database, load } = await loader(t)
    t.same(await load(full), { added: ['limit', 'office', 'upgrade'], changed: [], withdrawn: [] })
    t.same(await load(full), { added: [], changed: [], withdrawn: [] })
    const rules = [{ ...full.rules[0], set: { maxAmount: 5_000 } }]
    t.same(await load({ ...full, rules }), { added: [], changed: ['limit'], withdrawn: [] })
    t.equal(await load(), null, 'a file without the section')
    t.same(await load({ rules }), { added: [], changed: [], withdrawn: ['office', 'upgrade'] })
    t.same(await load(full), { added: ['office', 'upgrade'], changed: ['limit'], withdrawn: [] })
    t.same(await entries(database), [
      { kind: 'CALENDAR', id: 'office', version: 1, current: false },
      { kind: 'CALENDAR', id: 'office', version: 2, current: true },
      { kind: 'CLOSURE', id: 'upgrade', version: 1, current: false },
      { kind: 'CLOSURE', id: 'upgrade', version: 2, current: true },
      { kind: 'RULE', id: 'limit', version: 1, current: false },
      { kind: 'RULE', id: 'limit', version: 2, current: false },
      { kind: 'RULE', id: 'limit', version: 3, current: true },
    ])
    const [entry] = await database.query<{ body: string }>(
      `SELECT body FROM journal_entries WHERE kind = 'directory.loaded' ORDER BY seq DESC LIMIT 1`,
      [],
    )
    t.match(JSON.parse(entry?.body ?? '{}'), { facts: { routingAdded: 2, routingChanged: 1, routingWithdrawn: 0 } })
  },
)

t.test('a wrong section is refused whole, and every fault is named', async (t) => {
  const { database, load } = await loader(t)
  const rule = (over: object) => ({ rules: [{ id: 'one', set: { order: 1 }, ...over }] })
  const wrong: [string, unknown, RegExp][] = [
    [
      'an unknown rail account',
      rule({ railAccountIds: ['vnpay-nowhere'] }),
      /routing\.rules one: there is no rail account vnpay-nowhere/,
    ],
    ['an unknown agency', rule({ agencyCodes: ['H56.99'] }), /there is no agency H56\.99/],
    ['an unknown calendar', rule({ set: { calendarId: 'nowhere' } }), /there is no calendar nowhere/],
    ['an unknown rail', rule({ rails: ['nobank'] }), /there is no such rail/],
    ['rails and rail accounts', rule({ rails: ['vnpay'], railAccountIds: [rail] }), /not both/],
    ['a procedure with its place', rule({ procedureCodes: ['1.004194.000.00.00.H56'] }), /national part/],
    ['a rule that sets nothing', rule({ set: {} }), /sets nothing/],
    ['an unknown setting', rule({ set: { discount: 1 } }), /discount/],
    ['limits the wrong way round', rule({ set: { minAmount: 10, maxAmount: 5 } }), /minAmount is above maxAmount/],
    ['a fraction of a đồng', rule({ set: { maxAmount: 1.5 } }), /maxAmount/],
    [
      'days the wrong way round',
      rule({ validFrom: '2027-01-01', validTo: '2026-01-01' }),
      /validFrom is after validTo/,
    ],
    [
      'an id twice',
      {
        rules: [
          { id: 'one', rails: ['vnpay'], set: { order: 1 } },
          { id: 'one', rails: ['vietqr'], set: { order: 1 } },
        ],
      },
      /one stands there twice/,
    ],
    [
      'rules that contradict',
      {
        rules: [
          { id: 'one', set: { order: 1 } },
          { id: 'two', set: { order: 2 } },
        ],
      },
      /one and two both set order/,
    ],
    [
      'hours over midnight',
      { calendars: [{ id: 'night', weekly: [{ days: ['MON'], from: '22:00', to: '06:00' }] }] },
      /over midnight as two/,
    ],
    ['25 hours', { calendars: [{ id: 'night', weekly: [{ days: ['MON'], from: '22:00', to: '25:00' }] }] }, /HH:MM/],
    [
      'a date twice',
      {
        calendars: [
          {
            id: 'twice',
            weekly: [],
            dates: [
              { date: '2027-01-01', name: 'x', hours: [] },
              { date: '2027-01-01', name: 'y', hours: [] },
            ],
          },
        ],
      },
      /a date stands there twice/,
    ],
    [
      'a day that is none',
      { calendars: [{ id: 'feb', weekly: [], dates: [{ date: '2027-02-30', name: 'x', hours: [] }] }] },
      /dates/,
    ],
    [
      'a closure the wrong way round',
      { closures: [{ ...full.closures[0], to: '2026-12-05T22:00:00+07:00' }] },
      /from must be before to/,
    ],
  ]
  for (const [name, routing, message] of wrong)
    await t.rejects(load(routing), { code: 'DIRECTORY_INVALID', message }, name)
  t.same(await entries(database), [])
})

t.test('the service can add and withdraw entries and never rewrite one', async (t) => {
  const { database, load } = await loader(t)
  await load(full)
  await t.rejects(database.query(`UPDATE routing_entries SET body = '{}'`, []), { code: '42501' })
  await t.rejects(database.query('DELETE FROM routing_entries', []), { code: '42501' })
})
