import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { keysOfJwks, signCompact, verifyCompact } from '../../src/signing/compact-jws.ts'
import { type KeyProvider, stateMember } from '../../src/signing/key-provider.ts'
import { mayRotateFrom, openKeyRing } from '../../src/signing/key-ring.ts'

const now = new Date('2026-11-20T00:00:00Z')
const typ = 'feegate-invoice+jws'

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-ring-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
const statesOf = (keys: KeyProvider): Record<string, string> =>
  Object.fromEntries(keys.list().map(({ name, state }) => [name, state]))
const verifies = (jws: string, keys: KeyProvider): boolean => verifyCompact(jws, typ, (kid) => keys.find(kid)) !== null

t.test(
  'a key goes from next to active to retired to revoked, and the set shows it in all states but the last',
  async (t) => {
    const keys = openKeyRing(folderOf(t))
    const first = await keys.generate('ES256', now, { name: 'year-2026' })
    const second = await keys.generate('EdDSA', now)
    t.same(statesOf(keys), { 'year-2026': 'active', 'key-2': 'next' })
    const jws = signCompact(keys.active(), typ, Buffer.from('{}'))
    t.equal(await keys.rotate(now), second)
    t.same(statesOf(keys), { 'year-2026': 'retired', 'key-2': 'active' })
    t.ok(verifies(jws, keys), 'what the retired key signed still verifies')
    t.same(
      keys
        .publicJwks()
        .keys.map((jwk) => ({ kid: jwk.kid, alg: jwk.alg, feegate_state: Reflect.get(jwk, stateMember) })),
      [
        { kid: first, alg: 'ES256', feegate_state: 'retired' },
        { kid: second, alg: 'EdDSA', feegate_state: 'active' },
      ],
    )
    keys.revoke('year-2026')
    t.same(statesOf(keys), { 'key-2': 'active', 'year-2026': 'revoked' })
    t.notOk(verifies(jws, keys))
    t.same(
      keys.publicJwks().keys.map(({ kid }) => kid),
      [second],
    )
    t.throws(() => keys.revoke(second), /rotate first/)
    t.throws(() => keys.revoke('key-9'), /no key key-9/)
    await t.rejects(keys.generate('ES256', now, { name: 'key-2' }), /a name stands twice/)
    await t.rejects(keys.generate('ES256', now, { name: '../x' }), /name/)
  },
)

t.test('a rotation without a next key makes one of the same algorithm', async (t) => {
  const keys = openKeyRing(folderOf(t))
  await keys.generate('PS256', now)
  await keys.rotate(now)
  t.same(
    keys.list().map(({ alg, state }) => ({ alg, state })),
    [
      { alg: 'PS256', state: 'retired' },
      { alg: 'PS256', state: 'active' },
    ],
  )
})

t.test('a next key may sign once everybody has had ten minutes to learn of it', async (t) => {
  const keys = openKeyRing(folderOf(t))
  await keys.generate('ES256', now)
  t.equal(mayRotateFrom(keys.list()), null)
  await keys.generate('ES256', now)
  t.same(mayRotateFrom(keys.list()), new Date('2026-11-20T00:10:00Z'))
})

t.test(
  'another replica signs with a new key and refuses a revoked one at once, for it looks before it signs or verifies',
  async (t) => {
    const folder = folderOf(t)
    const here = openKeyRing(folder)
    await here.generate('ES256', now)
    const there = openKeyRing(folder)
    await here.rotate(now)
    const jws = signCompact(here.active(), typ, Buffer.from('{}'))
    t.ok(verifies(jws, there))
    t.equal(there.active().kid, here.active().kid)
    t.equal(there.find('A'.repeat(43)), null)
    await here.rotate(now)
    const old = signCompact(there.active(), typ, Buffer.from('{}'))
    t.equal(there.active().kid, here.active().kid, 'nothing is signed with a key that is retired elsewhere')
    const [first, second] = here.list()
    here.revoke(first?.kid ?? '')
    here.revoke(second?.kid ?? '')
    t.notOk(verifies(jws, there), 'a revoked key verifies nothing from that moment')
    t.ok(verifies(old, there))
    t.equal(there.publicJwks().keys.length, 1)
    t.same(statesOf(there), statesOf(here))
  },
)

t.test('a folder that is caught half-way or damaged changes nothing in a running process', async (t) => {
  const folder = folderOf(t)
  const keys = openKeyRing(folder)
  const kid = await keys.generate('ES256', now)
  const other = openKeyRing(folder)
  const jws = signCompact(keys.active(), typ, Buffer.from('{}'))
  const manifest = join(folder, 'keys.json')
  const good = readFileSync(manifest, 'utf8')
  const wrong: Record<string, string> = {
    'cut off': good.slice(0, 40),
    'not a manifest': '{"keys":[{"kid":1}]}',
    'two active keys': JSON.stringify({
      keys: [...JSON.parse(good).keys, { ...JSON.parse(good).keys[0], kid: 'B'.repeat(43), name: 'b' }],
    }),
    'a key without its file': good.replace(kid, 'B'.repeat(43)),
  }
  for (const [name, content] of Object.entries(wrong)) {
    writeFileSync(manifest, content)
    t.throws(() => other.reload(), { code: /KEY_RING|PRIVATE_FILE/ }, name)
    t.equal(other.find('C'.repeat(43)), null, 'an unknown id is unknown, not a fault')
    t.ok(verifies(jws, other), name)
    t.throws(() => openKeyRing(folder), { code: /KEY_RING|PRIVATE_FILE/ }, name)
  }
  writeFileSync(manifest, good)
  const strange = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  writeFileSync(join(folder, `${kid}.pem`), strange.export({ type: 'pkcs8', format: 'pem' }))
  t.throws(() => openKeyRing(folder), /another key than the manifest says/)
})

t.test('private keys are readable by their owner only, and one that others may read is refused', async (t) => {
  const folder = join(folderOf(t), 'keys')
  const keys = openKeyRing(folder)
  const kid = await keys.generate('ES256', now)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  for (const name of readdirSync(folder)) t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  t.same(readdirSync(folder).sort(), [`${kid}.pem`, 'keys.json'].sort(), 'no lock and no half-written file is left')
  chmodSync(join(folder, `${kid}.pem`), 0o644)
  t.throws(() => openKeyRing(folder), /chmod 600/)
  chmodSync(join(folder, `${kid}.pem`), 0o640)
  t.doesNotThrow(() => openKeyRing(folder), 'a group may read it: orchestrators hand out secrets so')
})

t.test('a folder written before keys had names is read', async (t) => {
  const folder = folderOf(t)
  const keys = openKeyRing(folder)
  await keys.generate('ES256', now)
  const manifest = join(folder, 'keys.json')
  const { keys: entries } = JSON.parse(readFileSync(manifest, 'utf8')) as { keys: Record<string, unknown>[] }
  const old = entries.map(({ kid, alg, state, createdAt }) => ({ kid, alg, state, createdAt }))
  writeFileSync(manifest, JSON.stringify({ keys: old }))
  t.match(openKeyRing(folder).list(), [{ name: 'key-1', state: 'active', endsAt: null, isDemo: false }])
})

t.test('of processes that start together on an empty folder one makes the first key', async (t) => {
  const folder = folderOf(t)
  const ring = fileURLToPath(new URL('../../src/signing/key-ring.ts', import.meta.url))
  const program = `import { openKeyRing } from ${JSON.stringify(ring)}
    const made = openKeyRing(${JSON.stringify(folder)}).generateFirst('ES256', new Date())
    process.stdout.write(made === null ? 'found' : 'made')`
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...process.env, NODE_OPTIONS: '' },
      })
      return stdout
    }),
  )
  t.same(outcomes.sort(), ['found', 'found', 'found', 'made'])
  t.match(openKeyRing(folder).list(), [{ state: 'active' }])
  t.equal(openKeyRing(folder).list().length, 1)
})

t.test('a key set as published verifies without the folder, and shows no private part', async (t) => {
  const keys = openKeyRing(folderOf(t))
  for (const alg of ['ES256', 'EdDSA', 'PS256'] as const) await keys.generate(alg, now)
  const jws = signCompact(keys.active(), typ, Buffer.from('{}'))
  const published = keys.publicJwks()
  t.notMatch(JSON.stringify(published), /"(d|p|q|dp|dq|qi|k)":/)
  t.ok(verifyCompact(jws, typ, keysOfJwks(published)))
})
