import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { realEnvironment } from '../../src/environment.ts'
import { openFieldCipher } from '../../src/personal/field-cipher.ts'
import { keepPersons } from '../../src/personal/keep.ts'
import { signCompact } from '../../src/signing/compact-jws.ts'
import { openKeyRing } from '../../src/signing/key-ring.ts'
import { testDatabase } from '../harness/database.ts'
import { seedInvoice, seedTenant } from '../harness/seed.ts'

const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))
const sample = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/samples/statements/${name}`, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'feegate-cli-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

type Ended = { readonly code: number; readonly out: string; readonly err: string }
const feegate = (args: readonly string[], variables: Record<string, string> = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const env = { ...process.env, DATA_DIR: folder, NODE_OPTIONS: '', NODE_V8_COVERAGE: undefined, ...variables }
    execFile(process.execPath, [program, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err }),
    )
  })

t.test('verify tells a genuine document from a changed one, with saved keys only', async (t) => {
  const keys = openKeyRing(join(folder, 'keys'))
  await keys.generate('ES256', new Date())
  const jws = signCompact(keys.active(), 'feegate-invoice+jws', Buffer.from('{"invoiceId":"inv_1","total":58000}'))
  const files = { genuine: join(folder, 'a.jws'), changed: join(folder, 'b.jws'), jwks: join(folder, 'jwks.json') }
  writeFileSync(files.genuine, `${jws}\n`)
  writeFileSync(
    files.changed,
    jws.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')),
  )
  writeFileSync(files.jwks, JSON.stringify(keys.publicJwks()))
  t.match(await feegate(['verify', files.genuine, '--jwks', files.jwks]), {
    code: 0,
    out: /^VALID feegate-invoice\+jws/,
  })
  t.match(await feegate(['verify', files.changed, '--jwks', files.jwks]), { code: 1, out: /NOT VALID/ })
})

t.test('statements inspect prints one object per statement and ends with 1 on a broken file', async (t) => {
  const good = await feegate(['statements', 'inspect', sample('camt/camt052.v8.xml')])
  t.equal(good.code, 0, good.err)
  t.match(JSON.parse(good.out.split('\n')[0] ?? ''), { format: /camt/, credits: { sum: /^\d/ } })
  const broken = join(folder, 'broken.sta')
  writeFileSync(broken, ':20:X\n:25:1\n:28C:1\n:60F:C261120VND100,\n:61:261120C5,NTRFX\n:62F:C261120VND999,\n')
  t.match(await feegate(['statements', 'inspect', broken, '--format', 'mt940']), { code: 1, err: /line/ })
})

t.test('directory load says what became of the routing rules', async (t) => {
  const { url } = await testDatabase(t)
  const example = fileURLToPath(new URL('../../contracts/examples/directory.json', import.meta.url))
  const first = await feegate(['directory', 'load', example], { DATABASE_URL: url })
  t.equal(first.code, 0, first.err)
  t.match(first.out, /^directory of ten_thanhhoa loaded\nrouting added: vnpay-cards, /)
  const changed = JSON.parse(readFileSync(example, 'utf8'))
  changed.routing.rules.splice(1, 1)
  changed.routing.closures[0].to = '2026-12-06T03:00:00+07:00'
  const file = join(folder, 'directory.json')
  writeFileSync(file, JSON.stringify(changed))
  t.match(
    (await feegate(['directory', 'load', file], { DATABASE_URL: url })).out,
    /changed: vnpay-upgrade\nrouting withdrawn: vnpay-first-terminal\n$/,
  )
  changed.routing.rules[0].rails = ['nobank']
  writeFileSync(file, JSON.stringify(changed))
  t.match(await feegate(['directory', 'load', file], { DATABASE_URL: url }), { code: 1, err: /there is no such rail/ })
})

t.test('a wrong setting, a missing file and an unknown command are one clear sentence and exit 1', async (t) => {
  t.match(await feegate(['serve'], { PORT: 'many' }), { code: 1, err: /^wrong settings: PORT/ })
  t.match(await feegate(['serve'], { FEEGATE_MODE: 'production' }), { code: 1, err: /PUBLIC_URL/ })
  t.match(await feegate(['directory', 'load', '/nowhere.json']), { code: 1, err: /nowhere/ })
  t.match(await feegate(['dance']), { code: 1, err: /unknown command/ })
})

t.test('personal export masks numbers unless asked in clear, and erase leaves nothing', async (t) => {
  const { url, database } = await testDatabase(t)
  const seeded = await seedTenant(database)
  const invoice = await seedInvoice(database, seeded)
  const store = { DATABASE_URL: url, KEYS_DIR: join(folder, 'personal-keys') }
  const cipher = openFieldCipher(store.KEYS_DIR, realEnvironment.random)
  await database.transaction((tx) =>
    keepPersons(tx, { environment: realEnvironment, cipher }, [
      { tenantId: seeded.tenantId, invoiceId: invoice.id, persons: { payer: { personalId: '001199000001' } } },
    ]),
  )
  const subject = ['--subject', '001199000001']
  const shown = await feegate(['personal', 'export', ...subject, '--purpose', 'hỏi đáp'], store)
  t.equal(shown.code, 0, shown.err)
  t.match(shown.out, /"personalId":"\*{9}001"/)
  t.match(
    (await feegate(['personal', 'export', ...subject, '--purpose', 'hỏi đáp', '--clear'], store)).out,
    /001199000001/,
  )
  t.match(await feegate(['personal', 'erase', ...subject], store), { code: 0, out: '1 erased, 0 under a legal hold\n' })
  t.equal((await feegate(['personal', 'export', ...subject, '--purpose', 'hỏi đáp'], store)).out, '')
})
