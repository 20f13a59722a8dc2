/** Settlement files that are checked with a secret of their rail account, which stands sealed in the database. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadDirectory } from '../../src/directory/load.ts'
import { receiveFile } from '../../src/reconciliation/import/receive.ts'
import { testDatabase } from '../harness/database.ts'
import { testEnvironment } from '../harness/environment.ts'
import { testDirectory } from '../harness/gateway.ts'
import { testVault } from '../harness/vault.ts'

/** VietinBank's reconciliation file with one payment, its lines hashed with `secret` (rails.md §3.4). */
function fileOf(secret: string, transId: string): string {
  const lineOf = (values: string[]): string =>
    [
      ...values,
      createHash('md5')
        .update(values.join('') + secret, 'utf8')
        .digest('hex'),
    ].join('|')
  const detail = [
    ...['002', transId, '9111', '1GOV', '970415', '', '', '', '', '', 'NGUYỄN VĂN A', '150000', 'VND', '', '', '', ''],
    ...['20261119091502', '00', 'B1', '', '', '', '', ''],
  ]
  const lines = ['recordType|transId', lineOf(detail), lineOf(['009', '9111', 'user1', '1', '20261120070000'])]
  return `\uFEFF${lines.join('\r\n')}\r\n`
}

t.test(
  'a settlement file is checked with the sealed secret, during a key change with either, and never without',
  async (t) => {
    const { database } = await testDatabase(t)
    const environment = testEnvironment()
    const vault = testVault()
    const folder = t.testdir()
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const account = {
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
      },
    }
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
