import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { readConfig } from '../../src/config.ts'
import { type Binding, openBytes, sealBytes } from '../../src/secrets/envelope.ts'
import { addMasterKey, dropMasterKey, makeMasterKeyFile, masterKeysInFile } from '../../src/secrets/master-keys.ts'
import { openVault } from '../../src/secrets/open-vault.ts'
import { createVault, type SecretOwner } from '../../src/secrets/vault.ts'
import { aMasterKey, testVault } from '../harness/vault.ts'

const owner: SecretOwner = { kind: 'rail-account', tenantId: 'ten_a', id: 'vnpay-1' }
const fields = { 'current.hashSecret': '"bí mật"', 'next.hashSecret': '"mới"' }

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-master-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

t.test('law: what is sealed opens with its key and binding, and after any change of a byte not at all', (t) => {
  const binding: Binding = ['secret', 'rail-account', 'ten_a', 'vnpay-1', 'hashSecret']
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, at, flip) => {
      const [key, nonce] = [randomBytes(32), randomBytes(12)]
      const sealed = sealBytes(key, nonce, binding, plain)
      const changed = Buffer.from(sealed)
      const index = at % sealed.length
      changed[index] = (changed[index] ?? 0) ^ flip
      const refuses = (work: () => unknown): boolean => {
        try {
          work()
          return false
        } catch (error) {
          return error instanceof Error && 'code' in error && error.code === 'SECRET'
        }
      }
      return (
        openBytes(key, binding, sealed).equals(plain) &&
        refuses(() => openBytes(key, binding, changed)) &&
        refuses(() => openBytes(randomBytes(32), binding, sealed)) &&
        refuses(() => openBytes(key, binding, sealed.subarray(0, sealed.length - 1))) &&
        refuses(() => openBytes(key, binding, Buffer.alloc(0)))
      )
    }),
  )
  t.end()
})

t.test('a secret opens for its owner and its field only', async (t) => {
  const vault = testVault()
  const columns = await vault.seal(owner, fields)
  t.same(await vault.open(owner, columns), fields)
  const { sealed } = columns
  const others: Record<string, SecretOwner> = {
    'another tenant': { ...owner, tenantId: 'ten_b' },
    'another account': { ...owner, id: 'vnpay-2' },
    'another kind': { ...owner, kind: 'webhook-endpoint' },
  }
  for (const [name, other] of Object.entries(others))
    await t.rejects(vault.open(other, columns), { code: 'SECRET' }, name)
  const swapped = {
    'current.hashSecret': sealed['next.hashSecret'] ?? '',
    'next.hashSecret': sealed['current.hashSecret'] ?? '',
  }
  await t.rejects(vault.open(owner, { ...columns, sealed: swapped }), { code: 'SECRET' }, 'fields that changed places')
  const another = await vault.seal(owner, fields)
  await t.rejects(vault.open(owner, { ...columns, data_key: another.data_key }), { code: 'SECRET' }, 'another data key')
  t.notSame(another.sealed, sealed, 'the same secret never looks the same twice')
  await t.rejects(testVault().open(owner, columns), { code: 'SECRET' }, 'a vault with another master key')
})

t.test('neither the row nor an error shows the secret', async (t) => {
  const vault = testVault()
  const columns = await vault.seal(owner, { 'current.hashSecret': 'SECRET-VALUE-1234' })
  const text = JSON.stringify({ ...columns, data_key: columns.data_key.toString('latin1') })
  t.notMatch(text, 'SECRET-VALUE')
  t.notMatch(text, Buffer.from('SECRET-VALUE').toString('base64').slice(0, 10))
  for (const other of [{ ...owner, id: 'x' }]) {
    try {
      await vault.open(other, columns)
      t.fail('it opened')
    } catch (error) {
      t.notMatch(String(error), 'SECRET-VALUE')
    }
  }
})

t.test(
  'a data key is wrapped anew without its secrets being touched; the old master key is not needed afterwards',
  async (t) => {
    const [old, fresh] = [aMasterKey('m1'), aMasterKey('m2')]
    const columns = await testVault(old).seal(owner, fields)
    const both = testVault(`${fresh},${old}`)
    t.same(await both.open(owner, columns), fields, 'both are known during the rotation')
    const wrapped = await both.rewrap(owner, { masterKeyId: 'm1', dataKey: columns.data_key })
    t.equal(wrapped?.masterKeyId, 'm2')
    const moved = {
      ...columns,
      master_key_id: wrapped?.masterKeyId ?? '',
      data_key: wrapped?.dataKey ?? Buffer.alloc(0),
    }
    t.same(await testVault(fresh).open(owner, moved), fields)
    t.equal(await both.rewrap(owner, { masterKeyId: 'm2', dataKey: moved.data_key }), null)
    await t.rejects(testVault(old).open(owner, moved), /master key m2 is not here/)
    await t.rejects(both.rewrap({ ...owner, id: 'x' }, { masterKeyId: 'm1', dataKey: columns.data_key }), {
      code: 'SECRET',
    })
  },
)

t.test('master keys that are not written right are refused without being quoted', async (t) => {
  const good = aMasterKey('m1')
  const wrong: Record<string, string> = {
    nothing: '',
    'no colon': 'abcdef',
    'too short': `m1:${Buffer.alloc(16).toString('base64')}`,
    'too long': `m1:${Buffer.alloc(33).toString('base64')}`,
    'not base64': `m1:${'!'.repeat(44)}`,
    'base64 of another spelling': good.replace(/=$/, ''),
    'an id with a path': good.replace('m1', '../m1'),
    'an id twice': `${good},${aMasterKey('m1')}`,
  }
  for (const [name, text] of Object.entries(wrong)) {
    try {
      testVault(text)
      t.fail(`${name} was taken`)
    } catch (error) {
      t.match(error, { code: 'SECRET' }, name)
      t.notOk(text.length > 8 && String(error).includes(text.slice(-20)), name)
    }
  }
})

t.test(
  'a file of master keys is taken over by a running process, at once when a row names a key it does not know',
  async (t) => {
    const file = join(folderOf(t), 'master-keys')
    t.ok(makeMasterKeyFile(file, 'm1', randomBytes))
    t.notOk(makeMasterKeyFile(file, 'm2', randomBytes), 'it is there already')
    t.equal(statSync(file).mode & 0o777, 0o600)
    const vaultOf = () => createVault({ masterKeys: masterKeysInFile(file, randomBytes), random: randomBytes })
    const [here, there] = [vaultOf(), vaultOf()]
    const before = await here.seal(owner, fields)
    addMasterKey(file, 'm2', randomBytes)
    here.masterKeys.reload()
    t.same(here.masterKeys.ids(), ['m2', 'm1'])
    const after = await here.seal(owner, fields)
    t.equal(after.master_key_id, 'm2')
    t.equal(there.masterKeys.activeId(), 'm1', 'the other has not read the file yet')
    t.same(await there.open(owner, after), fields)
    t.equal(there.masterKeys.activeId(), 'm2')
    t.same(await there.open(owner, before), fields)
    t.throws(() => addMasterKey(file, 'm2', randomBytes), /twice/)
    t.throws(() => addMasterKey(file, 'M 3', randomBytes), { code: 'SECRET' })
    t.throws(() => dropMasterKey(file, 'm2'), /wraps/)
    t.throws(() => dropMasterKey(file, 'm9'), /no master key/)
    dropMasterKey(file, 'm1')
    t.equal(readFileSync(file, 'utf8').split('\n').filter(Boolean).length, 1)
  },
)

t.test('a damaged file changes nothing in a running process, and one that others may read is refused', async (t) => {
  const file = join(folderOf(t), 'master-keys')
  makeMasterKeyFile(file, 'm1', randomBytes)
  const vault = createVault({ masterKeys: masterKeysInFile(file, randomBytes), random: randomBytes })
  const columns = await vault.seal(owner, fields)
  writeFileSync(file, 'm1:cut')
  t.throws(() => vault.masterKeys.reload(), { code: 'SECRET' })
  t.same(await vault.open(owner, columns), fields)
  chmodSync(file, 0o644)
  utimesSync(file, new Date(), new Date())
  t.throws(() => masterKeysInFile(file, randomBytes), /chmod 600/)
})

t.test('the sandbox makes itself a master key; production asks for one', async (t) => {
  const folder = folderOf(t)
  const made: string[] = []
  const config = readConfig({ DATA_DIR: folder })
  const vault = openVault(config, randomBytes, (path) => void made.push(path))
  const columns = await vault.seal(owner, fields)
  t.same(made, [join(folder, 'keys', 'master-keys')])
  t.same(await openVault(config, randomBytes).open(owner, columns), fields, 'and keeps it')
  const production = { FEEGATE_MODE: 'production', PUBLIC_URL: 'https://fees.example' }
  t.throws(() => readConfig(production), /MASTER_KEYS_FILE or MASTER_KEYS must be set in production/)
  t.throws(
    () => readConfig({ ...production, MASTER_KEYS: aMasterKey('m1'), MASTER_KEYS_FILE: 'x' }),
    /two places for the same keys/,
  )
  const missing = readConfig({ ...production, MASTER_KEYS_FILE: join(folder, 'nowhere') })
  t.throws(() => openVault(missing, randomBytes), /cannot be read/, 'a file that is named is never made')
  const given = readConfig({ ...production, MASTER_KEYS: `${aMasterKey('m2')},${aMasterKey('m1')}` })
  t.same(openVault(given, randomBytes).masterKeys.ids(), ['m2', 'm1'])
})
