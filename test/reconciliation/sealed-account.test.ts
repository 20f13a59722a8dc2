/** Settlement files that are checked with a secret of their rail account, which stands sealed in the database. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadDirectory } from '../../src/directory/load.ts'
import { receiveFile } from '../../src/reconciliation/import/receive.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { callApi, testDirectory, testGateway } from '../harness/gateway.ts'
import { testOfficers } from '../harness/officers.ts'
import { testVault } from '../harness/vault.ts'

/** VietinBank's reconciliation file of these payments, its lines hashed with `secret` (rails.md §3.5). */
function fileOf(secret: string, ...transIds: readonly string[]): string {
  const lineOf = (values: string[]): string =>
    [
      ...values,
      createHash('md5')
        .update(values.join('') + secret, 'utf8')
        .digest('hex'),
    ].join('|')
  const detail = (transId: string): string[] => [
    ...['002', transId, '9111', '1GOV', '970415', '', '', '', '', '', 'NGUYỄN VĂN A', '150000', 'VND', '', '', '', ''],
    ...['20261119091502', '00', 'B1', '', '', '', '', ''],
  ]
  const footer = ['009', '9111', 'user1', String(transIds.length), '20261120070000']
  const lines = ['recordType|transId', ...transIds.map((transId) => lineOf(detail(transId))), lineOf(footer)]
  return `\uFEFF${lines.join('\r\n')}\r\n`
}

function vietinbankAccount() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    id: 'vietinbank-1',
    rail: 'vietinbank',
    beneficiaryAccountId: 'bac_h56-14-colle',
    titleVi: 'VietinBank',
    titleEn: 'VietinBank',
    config: {
      privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      bankKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      noticeProviderId: '9111',
      vacPrefix: '1GOV',
      receivingAccounts: ['113366668888'],
      baseUrl: 'http://127.0.0.1:9',
      clientId: 'client',
      clientSecret: 'client-secret',
      providerId: '9111',
      merchantId: 'M1',
      verifyBy: 'OTP',
      queryType: '1',
      settlementFileSecret: 'the-secret-in-force',
      settlementFileUserId: 'user1',
    },
  }
}

t.test(
  'a settlement file is checked with the sealed secret, during a key change with either, and never without',
  async (t) => {
    const { database } = await testDatabase(t)
    const environment = testEnvironment()
    const vault = testVault()
    const folder = t.testdir()
    const account = vietinbankAccount()
    const load = (more: object): Promise<unknown> =>
      database.transaction((tx) =>
        loadDirectory(tx, environment, testDirectory({ railAccounts: [{ ...account, ...more }] }), 'test', vault),
      )
    const statusOf = async (secret: string, transId: string): Promise<string> => {
      const path = join(folder, `${transId}.txt`)
      writeFileSync(path, fileOf(secret, transId))
      const source = { kind: 'SETTLEMENT', sourceId: null, layout: 'vietinbank', railAccountId: account.id } as const
      const arrival = { tenantId: 'ten_thanhhoa', path, name: path, origin: 'COMMAND', actor: 'test', source } as const
      const result = await receiveFile({ database, environment, vault }, arrival)
      return result.status === 'REFUSED' ? `${result.refusal.code} ${result.refusal.message}` : result.status
    }
    await load({})
    t.equal(await statusOf('the-secret-in-force', 'T1'), 'IMPORTED')
    t.match(await statusOf('a-secret-of-before', 'T2'), /^INTEGRITY.*checksum/)
    const until = new Date(environment.now().getTime() + 3_600_000).toISOString()
    await load({ previous: { config: { settlementFileSecret: 'a-secret-of-before' }, until } })
    t.equal(await statusOf('a-secret-of-before', 'T3'), 'IMPORTED')
    t.equal(await statusOf('the-secret-in-force', 'T4'), 'IMPORTED')
    t.match(await statusOf('nobodys-secret', 'T5'), /^INTEGRITY.*checksum/)
    environment.advance(2 * 3_600_000)
    t.match(await statusOf('a-secret-of-before', 'T6'), /^INTEGRITY/, 'its time is over')
  },
)

t.test('the bank gets its answer: what both have, what only it or only we have, and what differs', async (t) => {
  const officers = await testOfficers(t)
  const gateway = await testGateway(t, { officerIssuer: officers.issuer })
  const { database, environment, vault } = gateway
  const account = vietinbankAccount()
  await gateway.load(testDirectory({ railAccounts: [account] }))
  const settle = async (transId: string, amount: bigint): Promise<void> => {
    await gateway.gateway.settler.settle({
      outcome: {
        ...{
          rail: 'vietinbank',
          accountId: account.id,
          merchantRef: `NOBODY-${transId}`,
          source: 'CALLBACK',
          evidence: {},
        },
        ...{ railTransactionId: `9111:${transId}`, kind: 'succeeded', amount, currency: 'VND' },
        paidAt: new Date('2026-11-19T02:15:02Z'),
      },
      transferRail: true,
    })
  }
  await settle('BOTH', 150_000n)
  await settle('DIFFERS', 140_000n)
  await settle('OURS', 120_000n)
  const path = join(t.testdir(), 'file')
  writeFileSync(path, fileOf('the-secret-in-force', 'BOTH', 'BANK', 'DIFFERS'))
  const source = { kind: 'SETTLEMENT', sourceId: null, layout: 'vietinbank', railAccountId: account.id } as const
  const imports = { database, environment, vault }
  const arrival = { tenantId: 'ten_thanhhoa', path, name: 'f', origin: 'COMMAND', actor: 'test', source } as const
  const { fileId } = await receiveFile(imports, arrival)
  const headers = await officers.headers(['finance.read', 'finance.resolve'])
  const ask = () => callApi(gateway.url, 'GET', `/v1/finance/exports/settlement-answers/${fileId}`, undefined, headers)
  t.match((await ask()).json, { code: 'STATEMENT_FILE_LOADING' }, 'not before it is reconciled')
  await callApi(gateway.url, 'POST', '/v1/finance/reconciliation/runs', undefined, headers)
  const { status, headers: sent, text } = await ask()
  t.equal(status, 200, text)
  t.match(sent.get('content-disposition'), /"20261119_9111_THUHOTKAO_OUT\.txt"/)
  const lines = text.trim().split('\r\n').slice(1, -1)
  const told = lines.map((line) => line.split('|')).map((values) => [values[1], values[11], values.at(-2)])
  t.same(told, [
    ['BOTH', '150000', '00'],
    ['BANK', '150000', '01'],
    ['DIFFERS', '150000', '03'],
    ['OURS', '120000', '02'],
  ])
  for (const line of lines) {
    const values = line.split('|')
    const sum = createHash('md5')
      .update(`${values.slice(0, -1).join('')}the-secret-in-force`, 'utf8')
      .digest('hex')
    t.equal(values.at(-1), sum, 'each line carries its checksum')
  }
})
