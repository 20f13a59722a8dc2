/** Two accounts that a rail calls the same would both believe one notice: loading refuses the second, whoever's it is. */
import t, { type Test } from 'tap'
import { type Directory, loadDirectory } from '../../src/directory/load.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { testDirectory } from '../harness/gateway.ts'
import { testVault } from '../harness/vault.ts'

type Account = Directory['railAccounts'][number]

async function loader(t: Test) {
  const { database } = await testDatabase(t)
  const vault = testVault()
  const load = (directory: Directory) =>
    database.transaction((tx) => loadDirectory(tx, testEnvironment(), directory, 'test', vault))
  const names = async () =>
    (
      await database.query<{ text: string }>(
        `SELECT rail || ' ' || name || ' → ' || rail_account_id AS text FROM rail_receivers ORDER BY 1`,
        [],
      )
    ).map(({ text }) => text)
  return { database, load, names }
}

const [vnpay] = testDirectory().railAccounts as [Account]
const second = (config: object = {}, more: Partial<Account> = {}): Account => ({
  ...vnpay,
  id: 'vnpay-second',
  config: { ...vnpay.config, ...config },
  ...more,
})

t.test('one terminal stands for one account: in a file, across files and across tenants', async (t) => {
  const { load, names } = await loader(t)
  const both = /vnpay-second: to vnpay it is tmnCode TESTGW01, and so is vnpay-h56-14; one notice sent to both/
  await t.rejects(load(testDirectory({ railAccounts: [vnpay, second({ hashSecret: 'B'.repeat(32) })] })), {
    code: 'DIRECTORY_INVALID',
    message: both,
  })
  t.same(await names(), [], 'nothing of that load stays')
  await load(testDirectory())
  await t.rejects(load(testDirectory({ railAccounts: [second({}, { status: 'PAUSED' })] })), { message: both })
  const elsewhere = testDirectory({ tenantId: 'ten_other', agencyCode: 'H57.1', railAccounts: [] })
  const theirs = { beneficiaryAccountId: 'bac_h57-1-colle' }
  await t.rejects(load({ ...elsewhere, railAccounts: [second({}, theirs)] }), { message: both })
  await load({ ...elsewhere, railAccounts: [second({ tmnCode: 'TESTGW02' }, theirs)] })
  await load(testDirectory())
  t.same(await names(), ['vnpay tmnCode TESTGW01 → vnpay-h56-14', 'vnpay tmnCode TESTGW02 → vnpay-second'])
})

t.test('both names of a terminal that changes are taken until the change is over', async (t) => {
  const { load, names } = await loader(t)
  const next = {
    config: { tmnCode: 'TESTGW09' },
    signsFrom: '2026-12-01T00:00:00Z',
    currentUntil: '2026-12-02T00:00:00Z',
  }
  await load(testDirectory({ railAccounts: [{ ...vnpay, next }] }))
  await t.rejects(load(testDirectory({ railAccounts: [second({ tmnCode: 'TESTGW09' })] })), /TESTGW09, and so is/)
  await load(testDirectory({ railAccounts: [{ ...vnpay, config: { ...vnpay.config, tmnCode: 'TESTGW09' } }] }))
  t.same(await names(), ['vnpay tmnCode TESTGW09 → vnpay-h56-14'])
  await load(testDirectory({ railAccounts: [second()] }))
})

t.test('accounts that an earlier version loaded count too', async (t) => {
  const { database, load } = await loader(t)
  await load(testDirectory())
  await database.query('DELETE FROM rail_receivers', [])
  await t.rejects(load(testDirectory({ railAccounts: [second()] })), /TESTGW01, and so is vnpay-h56-14/)
})

t.test('one bank account told of by two sources is one account', async (t) => {
  const { load } = await loader(t)
  const collect = (id: string, source: object): Account => ({
    ...vnpay,
    id,
    rail: 'vietqr',
    config: { bankBin: '970415', accountNumber: '113366668888', accountName: 'SO TU PHAP', source },
  })
  await t.rejects(
    load(
      testDirectory({
        railAccounts: [
          collect('by-sepay', { name: 'sepay', mode: 'hmac', secret: 'S'.repeat(32) }),
          collect('by-payos', { name: 'payos', checksumKey: 'C'.repeat(64) }),
        ],
      }),
    ),
    /by-payos: to vietqr it is account 113366668888 at 970415, and so is by-sepay/,
  )
})

t.test('the id of another tenant’s or another rail’s account is not taken over in silence', async (t) => {
  const { load } = await loader(t)
  await load(testDirectory())
  const elsewhere = testDirectory({ tenantId: 'ten_other', agencyCode: 'H57.1', railAccounts: [] })
  const taken = { code: 'DIRECTORY_INVALID', message: /vnpay-h56-14: the id stands for an account of another/ }
  const account = { ...vnpay, beneficiaryAccountId: 'bac_h57-1-colle' }
  await t.rejects(load({ ...elsewhere, railAccounts: [account] }), taken)
  await t.rejects(
    load(testDirectory({ railAccounts: [{ ...vnpay, rail: 'counter', config: { cashMaximum: 1 } }] })),
    taken,
  )
})
