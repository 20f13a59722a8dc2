/** Imports point one way (docs/architecture.md), and nothing pure reads the clock or draws random bytes by itself. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name)
    return statSync(join(root, path)).isDirectory()
      ? filesIn(path)
      : path.endsWith('.ts') && !path.endsWith('.d.ts')
        ? [path]
        : []
  })
}

const importsOf = (file: string): string[] => {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map(([, name = '']) =>
    name.startsWith('.') ? relative(root, resolve(join(root, dirname(file)), name)) : name,
  )
}

/** Folder → what its files may import: beginnings of paths, or package names. */
const allowed: Record<string, readonly string[]> = {
  'src/domain': ['src/domain/', 'node:crypto', 'zod'],
  adapters: ['adapters/', 'src/domain/', 'zod', 'node:crypto'],
  'src/store': [
    'src/store/',
    'src/domain/',
    'adapters/contract.ts',
    'node:',
    'pg',
    'pg-copy-streams',
    'pino',
    'ioredis',
    'node-pg-migrate',
  ],
  'src/secrets': ['src/secrets/', 'src/store/database.ts', 'src/signing/private-file.ts', 'src/config.ts', 'node:'],
  'src/settlement': ['src/settlement/', 'src/store/', 'src/domain/', 'src/environment.ts', 'adapters/contract.ts'],
}

for (const [folder, targets] of Object.entries(allowed)) {
  t.test(`${folder} imports only what it may`, async (t) => {
    const files = filesIn(folder)
    const mayImport = (target: string): boolean =>
      targets.some((start) => target === start || (/[/:]$/.test(start) && target.startsWith(start)))
    t.same(
      files.flatMap((file) =>
        importsOf(file)
          .filter((target) => !mayImport(target))
          .map((target) => `${file} imports ${target}`),
      ),
      [],
    )
    t.ok(files.length > 0)
  })
}

t.test('zod is in the domain only where a file is read', async (t) => {
  const users = filesIn('src/domain').filter((file) => importsOf(file).includes('zod'))
  t.same(users, ['src/domain/fees/catalogue-file.ts'])
})

t.test('nobody below the command line imports the command line or the wiring', async (t) => {
  const wrong = [...filesIn('src'), ...filesIn('adapters')]
    .filter((file) => !/^src\/(cli|sandbox\/demo)\//.test(file))
    .flatMap((file) => importsOf(file).map((target) => ({ file, target })))
    .filter(({ file, target }) => {
      if (target.startsWith('src/http/'))
        return !file.startsWith('src/http/') && file !== 'src/app.ts' && file !== 'src/serve.ts'
      if (target === 'src/app.ts') return file !== 'src/serve.ts' && file !== 'src/contracts.ts'
      return target.startsWith('src/cli/')
    })
  t.same(wrong, [])
})

t.test('simulated partners share no code with the gateway and the adapters they are to prove right', async (t) => {
  const packages = ['fastify', 'jose', 'undici', 'zod']
  const mayImport = (target: string): boolean =>
    /^(node:|src\/sandbox\/(?!demo\/))/.test(target) || packages.includes(target)
  const files = filesIn('src/sandbox').filter((file) => !file.startsWith('src/sandbox/demo/'))
  t.same(
    files.flatMap((file) =>
      importsOf(file)
        .filter((target) => !mayImport(target))
        .map((target) => `${file} imports ${target}`),
    ),
    [],
  )
  t.ok(files.length > 40)
})

t.test(
  'the gateway knows nothing of its simulated partners; commands that run them load them when called',
  async (t) => {
    const wrong = ['src', 'adapters']
      .flatMap(filesIn)
      .filter((file) => !/^src\/(cli|sandbox)\//.test(file))
      .flatMap((file) => importsOf(file).map((target) => `${file} imports ${target}`))
      .filter((line) => / imports src\/sandbox\//.test(line))
    t.same(wrong, [])
  },
)

t.test('each rail is one family of files, and what two rails share stands beside them', async (t) => {
  const folder = 'src/sandbox/rails/'
  /** Files that several rails are made of. */
  const shared = ['rsa-text.ts', 'credit-source.ts', 'vietinbank-notice.ts', 'vietinbank-wire.ts']
  const family = (file: string): string => file.slice(folder.length).split(/[-.]/)[0] ?? ''
  const wrong = filesIn('src/sandbox/rails').flatMap((file) =>
    importsOf(file)
      .filter((target) => target.startsWith(folder) && family(target) !== family(file))
      .filter((target) => !shared.includes(target.slice(folder.length)))
      .map((target) => `${file} imports ${target}`),
  )
  t.same(wrong, [])
})

t.test('only what starts a gateway knows that stores can be embedded', async (t) => {
  const wrong = ['src', 'adapters']
    .flatMap(filesIn)
    .filter((file) => !/^src\/(cli\/|serve\.ts$|sandbox\/|store\/embedded\/)/.test(file))
    .filter((file) => importsOf(file).some((target) => target.startsWith('src/store/embedded/')))
  t.same(wrong, [])
})

t.test('the clock and random bytes come from the environment', async (t) => {
  const forbidden =
    /\bDate\.now\(|\bnew Date\(\)|Math\.random|\brandomBytes\(|\brandomUUID\(|\bsetTimeout\(|\bsetInterval\(/
  // Request ids name log lines only; Fastify asks for them before anything of ours runs.
  const excused = new Set(['src/http/server.ts'])
  const folders = [
    'src/domain',
    'adapters',
    'src/settlement',
    'src/invoice',
    'src/payment',
    'src/refund',
    'src/callback',
    'src/bill',
    'src/counter',
    'src/partner',
    'src/delivery',
    'src/watch',
    'src/http',
    'src/idempotency',
    'src/catalogue',
    'src/clients',
    'src/directory',
    'src/rails',
    'src/basket',
    'src/receipt',
    'src/export',
    'src/reconciliation',
    'src/journal',
    'src/personal',
  ]
  const offenders = folders
    .flatMap(filesIn)
    .filter((file) => !excused.has(file) && forbidden.test(readFileSync(join(root, file), 'utf8')))
  t.same(offenders, [])
})

t.test('portals and officers are served through handles of one tenant', async (t) => {
  const folders = ['src/http/portal', 'src/http/finance', 'src/http/operator', 'src/idempotency']
  // A run of reconciliation makes its tenant's handle itself, and settles through the system's door.
  const excused = new Set(['src/http/finance/reconciliation/shared.ts'])
  const files = folders.flatMap(filesIn).filter((file) => !excused.has(file))
  // `Database` is the type of the handle that sees every tenant; with `TenantDatabases` no statement compiles without a name.
  t.same(
    files.filter((file) =>
      /\bDatabase\b/.test(readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')),
    ),
    [],
  )
  t.ok(files.length > 25)
})
