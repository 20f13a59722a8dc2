/** A bank changes its keys: for a while two secrets are valid at once, and no call of the bank is refused. */
import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import t from 'tap'
import type { Directory } from '../../src/directory/load.ts'
import { readAnswerWithAnyKey, readWithAnyKey } from '../../src/rails/any-key.ts'
import { configsAt } from '../../src/rails/key-sets.ts'
import { anInvoice, callApi, type TestGateway, testDirectory, testGateway } from '../harness/gateway.ts'
import { payByVnpay, startVnpay, vnpayIpn } from '../harness/vnpay.ts'

const [oldSecret, newSecret, oldestSecret] = ['O'.repeat(32), 'N'.repeat(32), 'Q'.repeat(32)]
const hourMs = 60 * 60 * 1000

function directoryWith(more: object): Directory {
  const directory = testDirectory({ vnpaySecret: oldSecret })
  return { ...directory, railAccounts: directory.railAccounts.map((account) => ({ ...account, ...more })) }
}
/** The secret that signed what we sent: VNPAY's pay URL carries it. */
async function secretOfStart(gateway: TestGateway): Promise<string> {
  const { invoiceId } = await startVnpay(gateway)
  const [row] = await gateway.database.query<{ instruction: { url: string } }>(
    'SELECT instruction FROM payments WHERE invoice_id = $1',
    [invoiceId],
  )
  const [query = '', hash] = (row?.instruction.url.split('?')[1] ?? '').split('&vnp_SecureHash=')
  const signedBy = (secret: string): boolean => createHmac('sha512', secret).update(query).digest('hex') === hash
  return [oldSecret, newSecret, oldestSecret].find(signedBy) ?? 'nobody'
}

t.test('which configs are believed follows the clock, and the first of them signs', async (t) => {
  const at = (text: string): Date => new Date(`2026-12-${text}Z`)
  const sets = {
    current: 'current',
    next: { config: 'next', signsFrom: at('10T00:00:00'), currentUntil: at('12T00:00:00') },
    previous: { config: 'previous', until: at('02T00:00:00') },
  }
  t.same(configsAt(sets, at('01T00:00:00')), ['current', 'next', 'previous'])
  t.same(configsAt(sets, at('02T00:00:00')), ['current', 'next'])
  t.same(configsAt(sets, at('10T00:00:00')), ['next', 'current'])
  t.same(configsAt(sets, at('12T00:00:00')), ['next'])
  t.same(configsAt({ current: 'current', next: null, previous: null }, at('01T00:00:00')), ['current'])
})

t.test(
  'before, during and after a key change callbacks under each valid secret are believed, others never',
  async (t) => {
    const gateway = await testGateway(t)
    const start = gateway.environment.now()
    const hours = (count: number): string => new Date(start.getTime() + count * hourMs).toISOString()
    await gateway.load(
      directoryWith({
        next: { config: { hashSecret: newSecret }, signsFrom: hours(2), currentUntil: hours(4) },
        previous: { config: { hashSecret: oldestSecret }, until: hours(1) },
      }),
    )
    const acks = async (): Promise<string[]> => {
      const answers: string[] = []
      for (const secret of [oldestSecret, oldSecret, newSecret, 'X'.repeat(32)])
        answers.push(await payByVnpay(gateway, secret))
      return answers
    }
    gateway.environment.advance(6_000)
    t.same(await acks(), ['00', '00', '00', '97'])
    t.equal(await secretOfStart(gateway), oldSecret)
    gateway.environment.advance(1.5 * hourMs)
    t.same(await acks(), ['97', '00', '00', '97'], 'the previous one is over')
    gateway.environment.advance(hourMs)
    t.equal(await secretOfStart(gateway), newSecret, 'the new one signs from its time on')
    t.same(await acks(), ['97', '00', '00', '97'], 'the bank may still use the old one')
    gateway.environment.advance(2 * hourMs)
    t.same(await acks(), ['97', '97', '00', '97'], 'the old one is over')
    const refused = await gateway.database.query<{ verdict: string }>(
      `SELECT DISTINCT verdict FROM callbacks WHERE verdict LIKE 'refused%'`,
      [],
    )
    t.same(refused, [{ verdict: 'refused:signature' }], 'refusals leave the same evidence as ever')
    const [{ count } = { count: -1n }] = await gateway.database.query<{ count: bigint }>(
      `SELECT count(*) AS count FROM settlements`,
      [],
    )
    t.equal(count, 3n + 2n + 2n + 1n, 'a refused callback moves nothing')
  },
)

t.test('a tampered callback fits none of the secrets', async (t) => {
  const gateway = await testGateway(t)
  const end = new Date(gateway.environment.now().getTime() + hourMs).toISOString()
  await gateway.load(directoryWith({ previous: { config: { hashSecret: newSecret }, until: end } }))
  gateway.environment.advance(6_000)
  const started = await startVnpay(gateway)
  for (const secret of [oldSecret, newSecret]) {
    const forged = vnpayIpn(secret, started).replace('vnp_Amount=700000', 'vnp_Amount=100')
    t.match((await callApi(gateway.url, 'GET', `/callbacks/vnpay/vnpay-h56-14?${forged}`)).text, '"RspCode":"97"')
  }
  t.match((await gateway.api('GET', `/v1/invoices/${started.invoiceId}`)).json, { status: 'PAYING' })
})

t.test(
  'a set that does not fit the rail is refused when the directory is loaded, without its values being told',
  async (t) => {
    const gateway = await testGateway(t)
    const until = new Date(gateway.environment.now().getTime() + hourMs).toISOString()
    const wrong: [string, object, RegExp][] = [
      ['a short secret', { previous: { config: { hashSecret: 'SHORT' }, until } }, /previous\.config\.hashSecret/],
      ['an unknown field', { next: { config: { x: 1 }, signsFrom: until, currentUntil: until } }, /next\.config/],
      [
        'an end before its beginning',
        { next: { config: {}, signsFrom: until, currentUntil: '2026-01-01T00:00:00Z' } },
        /currentUntil/,
      ],
      ['no end', { previous: { config: { hashSecret: newSecret } } }, /until/],
    ]
    for (const [name, more, message] of wrong) {
      try {
        await gateway.load(directoryWith(more))
        t.fail(`${name} was loaded`)
      } catch (error) {
        t.match(error, { code: 'DIRECTORY_INVALID', message }, name)
        t.notMatch(String(error), /SHORT|NNNN/)
      }
    }
  },
)

t.test('answers of a bank are read under each key as well, and the doubt stays when none fits', async (t) => {
  const account = { id: 'a', config: 'old', believed: ['old', 'new', 'older'] }
  const done = (kind: string) => ({ kind: 'done' as const, result: { kind } })
  const asked: unknown[] = []
  const readAs = (fits: string) => (candidate: { config: unknown }) => {
    asked.push(candidate.config)
    return done(candidate.config === fits ? 'outcome' : 'unverified')
  }
  t.same(readAnswerWithAnyKey(account, readAs('old')), done('outcome'))
  t.same(asked.splice(0), ['old'], 'the one in force is enough')
  t.same(readAnswerWithAnyKey(account, readAs('older')), done('outcome'))
  t.same(asked.splice(0), ['old', 'new', 'older'])
  t.same(readAnswerWithAnyKey(account, readAs('none')), done('unverified'))
  const { railAccount } = readWithAnyKey(
    account,
    ({ config }) => config === 'new',
    (fits) => !fits,
  )
  t.same(railAccount, { id: 'a', config: 'new' }, 'and the answer goes out under the config that fitted')
})

t.test('the bank’s own public key changes in the same way: RSA notices under the old and the new key', async (t) => {
  const [ours, bankOld, bankNew] = Array.from({ length: 3 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }))
  if (ours === undefined || bankOld === undefined || bankNew === undefined) throw new Error('no keys')
  const pem = (key: (typeof ours)['publicKey']): string => key.export({ type: 'spki', format: 'pem' }).toString()
  const gateway = await testGateway(t)
  const until = new Date(gateway.environment.now().getTime() + hourMs).toISOString()
  await gateway.load(
    testDirectory({
      railAccounts: [
        {
          id: 'counter',
          rail: 'bill-pull',
          beneficiaryAccountId: 'bac_h56-14-colle',
          titleVi: 'Quầy',
          titleEn: 'Counter',
          config: {
            profile: 'generic',
            privateKeyPem: ours.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
            bankKeyPem: pem(bankNew.publicKey),
          },
          previous: { config: { bankKeyPem: pem(bankOld.publicKey) }, until },
        },
      ],
    }),
  )
  gateway.environment.advance(6_000)
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  const now = gateway.environment.now()
  const pays = async (signer: { privateKey: KeyObject }, transactionId: string): Promise<number> => {
    const body = JSON.stringify({
      transactionId,
      payCode: invoice.json.payCode,
      amount: invoice.json.total,
      currency: 'VND',
      paidAt: now.toISOString(),
    })
    const timestamp = String(Math.floor(now.getTime() / 1000))
    const nonce = randomBytes(16).toString('hex')
    const digest = createHash('sha256').update(body).digest('hex')
    const lines = { operation: 'pay', account: 'counter', timestamp, nonce, 'body-sha256': digest }
    // contracts/bill-pull-profile.md
    const named = Object.entries(lines).map(([name, value]) => `${name}=${value}`)
    const text = ['feegate-bill-pull-request-v1', ...named].join('\n')
    const answer = await callApi(gateway.url, 'POST', '/callbacks/bill-pull/counter/pay', body, {
      'feegate-timestamp': timestamp,
      'feegate-nonce': nonce,
      'feegate-signature': sign('sha256', Buffer.from(text), signer.privateKey).toString('base64'),
    })
    return answer.status
  }
  t.equal(await pays(ours, 'T1'), 401)
  t.equal(await pays(bankOld, 'T2'), 200)
  t.equal(await pays(bankNew, 'T3'), 200)
  gateway.environment.advance(2 * hourMs)
  t.equal(await pays(bankOld, 'T4'), 401, 'its time is over')
  t.match((await gateway.api('GET', `/v1/invoices/${String(invoice.json.id)}`)).json, { status: 'PAID' })
})
