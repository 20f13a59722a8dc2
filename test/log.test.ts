import { Writable } from 'node:stream'
import t from 'tap'
import { senderSecretFields } from '../adapters/national-portal/sender/account.ts'
import { allAdapters } from '../adapters/registry.ts'
import { personalClasses } from '../src/domain/retention.ts'
import { createLogger } from '../src/log.ts'

function logged(line: object): string {
  const chunks: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  createLogger('info', destination).info(line, 'line')
  return chunks.join('')
}

t.test('a secret of any rail is taken out of a log line, at the top and two levels down', async (t) => {
  // `source` is an object of VietQR; its own members are named in the list.
  const inner = ['apiKey', 'checksumKey', 'secret', 'tokenSecret', 'password']
  const names = [...allAdapters().flatMap(({ secretFields }) => secretFields), ...senderSecretFields, ...inner]
  for (const name of new Set(names.filter((name) => name !== 'source'))) {
    const value = { [name]: 'VERY-SECRET' }
    const text = logged({ ...value, config: value, account: { config: value } })
    t.notMatch(text, 'VERY-SECRET', name)
    t.equal(text.match(/\[redacted\]/g)?.length, 3, name)
  }
  const text = logged({ source: { secret: 'VERY-SECRET', name: 'sepay' } })
  t.notMatch(text, 'VERY-SECRET')
  t.match(text, 'sepay')
})

t.test(
  'a person’s numbers, address and account are taken out of a log line, alone and inside what holds them',
  async (t) => {
    const fields = Object.values(personalClasses).flatMap(({ fields }) => fields)
    for (const name of [...fields, 'accountNumber', 'accountName']) {
      const value = { [name]: 'A-PERSON' }
      t.notMatch(logged({ ...value, of: value, one: { of: value } }), 'A-PERSON', name)
    }
    const person = { name: 'A-PERSON' }
    for (const role of ['submitter', 'dossierOwner', 'payer', 'payee'])
      t.notMatch(
        logged({ [role]: person, body: { [role]: person }, request: { body: { [role]: person } } }),
        'A-PERSON',
        role,
      )
  },
)
