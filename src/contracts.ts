/**
 * Writes what others build on to `contracts/`, the pages that are generated from tables to `docs/`, and the README's table of
 * rails. With `--check` it writes nothing and exits 1 when a file differs, is missing or is left over.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { z } from 'zod'
import { allAdapters } from '../adapters/registry.ts'
import { createGateway } from './app.ts'
import { capabilityMatrix, withRegion } from './capability-matrix.ts'
import { eventSchemas } from './delivery/event-schema.ts'
import { decisionTable, type Row } from './domain/decision.ts'
import { parityClasses } from './domain/parity.ts'
import { type ReversalRow, reversalTable } from './domain/reversal.ts'
import { realEnvironment } from './environment.ts'
import { markdownTable } from './markdown-table.ts'
import { createFieldCipher } from './personal/field-cipher.ts'
import { problemCatalogue } from './problem/catalogue.ts'
import { refundPage } from './refund/page.ts'
import { masterKeysOf } from './secrets/master-keys.ts'
import { createVault } from './secrets/vault.ts'
import { openKeyRing } from './signing/key-ring.ts'
import { type Database, StoreUnavailableError } from './store/database.ts'

/** Name under the root of the repository, and content. */
type Files = ReadonlyMap<string, string>

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Folders in which nothing but what is generated may stand. */
const ownFolders = ['contracts/events']

/** The same bytes for the same code, whenever and wherever it runs. */
export async function contractFiles(): Promise<Files> {
  return new Map([
    ['contracts/openapi.json', json(await openApi())],
    ['contracts/errors.json', json(errorList())],
    ...Object.entries(eventSchemas).map(([type, schema]): [string, string] => [
      `contracts/events/${type}.schema.json`,
      json(eventSchema(schema)),
    ]),
    ['docs/decision-table.md', decisionPage()],
    ['docs/reversal-table.md', reversalPage()],
    ['docs/errors.md', errorPage()],
    ['docs/parity.md', parityPage()],
    ['README.md', withRegion(readFileSync(join(root, 'README.md'), 'utf8'), 'rails', capabilityMatrix(allAdapters()))],
    ['docs/refunds.md', refundPage(markdownTable)],
  ])
}

/** One line for each file under `root` that is not as generated; empty when all is well. */
export function differences(files: Files, root: string): string[] {
  const wrong = [...files].flatMap(([name, content]) => {
    const path = join(root, name)
    if (!existsSync(path)) return [`${name} is missing`]
    return readFileSync(path, 'utf8') === content ? [] : [`${name} differs`]
  })
  const left = ownFolders
    .flatMap((folder) =>
      existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : [],
    )
    .filter((name) => !files.has(name))
  return [...wrong, ...left.map((name) => `${name} is left over`)]
}

function write(files: Files, root: string): void {
  for (const [name, content] of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
}

/** The document of the routes as they are: the gateway is put together and never serves. */
async function openApi(): Promise<unknown> {
  const away = (): Promise<never> =>
    Promise.reject(new StoreUnavailableError('documents need no store', { cause: null }))
  const database: Database = {
    query: away,
    transaction: away,
    forTenant: () => ({ query: away, transaction: away }),
    listen: away,
    ping: away,
    close: () => Promise.resolve(),
  }
  const gateway = await createGateway({
    database,
    redis: null,
    redisPrefix: '',
    environment: realEnvironment,
    // A folder that is not there: no key, and none is asked for.
    keys: openKeyRing(join(tmpdir(), 'feegate-no-keys')),
    vault: createVault({
      masterKeys: masterKeysOf(`none:${Buffer.alloc(32).toString('base64')}`, 'nowhere', realEnvironment.random),
      random: realEnvironment.random,
    }),
    cipher: createFieldCipher(Buffer.alloc(32)),
    call: away,
    post: away,
    log: pino({ level: 'silent' }),
    serverIp: '127.0.0.1',
    trustedProxies: [],
    webhookAllowedRanges: [],
    webhookTimeoutMs: 0,
    officerIssuer: null,
    officerAudience: '',
    production: false,
    publicUrl: () => '',
  })
  const document = readable(gateway.server.swagger())
  await gateway.close()
  return document
}

const contentSchema = z.record(z.string(), z.looseObject({ schema: z.looseObject({ $ref: z.string().optional() }) }))
const documentSchema = z.looseObject({
  openapi: z.string(),
  info: z.unknown(),
  servers: z.unknown(),
  tags: z.unknown(),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        responses: z.record(z.string(), z.looseObject({ description: z.string(), content: contentSchema.optional() })),
      }),
    ),
  ),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
})
const problemRef = '#/components/schemas/Problem'

/** What the schema library cannot know: media type of problems, names of statuses; and without the schemas nobody uses. */
function readable(swagger: unknown): unknown {
  const { openapi, info, servers, tags, paths, components, ...rest } = documentSchema.parse(swagger)
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [status, response] of Object.entries(operation.responses)) {
      if (response.description === 'Default Response') response.description = STATUS_CODES[status] ?? status
      const content = response.content?.['application/json']
      if (content?.schema.$ref === problemRef) response.content = { 'application/problem+json': content }
    }
  }
  const schemas = usedSchemas(paths, components.schemas)
  return underOwnNames(
    { openapi, info, servers, tags, paths, components: { ...components, schemas }, ...rest },
    schemas,
  )
}

/** Every schema comes twice, as read (`NameInput`) and as written (`Name`); a document uses one of them as a rule. */
function usedSchemas(paths: unknown, schemas: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const used = new Set<string>()
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      visit(schemas[name])
    }
  }
  visit(paths)
  // The library lists them in the order of their first use in the process.
  return Object.fromEntries([...used].sort().map((name) => [name, schemas[name]]))
}

function underOwnNames(document: object, schemas: Readonly<Record<string, unknown>>): unknown {
  let text = JSON.stringify(document)
  for (const name of Object.keys(schemas)) {
    const own = name.replace(/Input$/, '')
    if (own !== name && !(own in schemas))
      text = text
        .replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${own}"`)
        .replaceAll(`"${name}":`, `"${own}":`)
  }
  return JSON.parse(text)
}

function eventSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    // Receivers pass over fields they do not know: as input, objects stay open.
    io: 'input',
    // The format says it; the pattern beside it fills the page.
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
    },
  })
}

function errorList(): object {
  return Object.fromEntries(
    Object.entries(problemCatalogue).map(([code, entry]) => [
      code,
      {
        type: `urn:feegate:problem:${code.toLowerCase().replaceAll('_', '-')}`,
        status: entry.status,
        title: entry.titleVi,
        action: entry.actionVi,
        en: { title: entry.titleEn, action: entry.actionEn },
      },
    ]),
  )
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

/** A row of a table that decides: its name, what it stands for, its conditions, what it does. */
function ruleCells({ rule, means, when, effect }: Row | ReversalRow): string[] {
  const value = (given: unknown): string => (given === null ? 'none' : String(given))
  const values = (given: unknown): string => (Array.isArray(given) ? given.map(value).join(' or ') : value(given))
  const list = (fields: object): string =>
    Object.entries(fields)
      .map(([name, given]) => `${name}: ${values(given)}`)
      .join('; ')
  return [`\`${rule}\``, means, list(when) || 'always', list(effect)]
}

function reversalPage(): string {
  return page(
    'Reversal table',
    'Generated from `src/domain/reversal.ts`. A bank or a counter asks to take a success back. Read from the top: the first row that fits decides.',
    ['Rule', 'Means', 'When', 'Does'],
    reversalTable.map(ruleCells),
  )
}

function decisionPage(): string {
  return page(
    'Decision table',
    'Generated from `src/domain/decision.ts`. Every verified word about money goes through it. Read from the top: the first row that fits decides.',
    ['Rule', 'Means', 'When', 'Does'],
    decisionTable.map(ruleCells),
  )
}

function errorPage(): string {
  return page(
    'Errors',
    'Generated from `src/problem/catalogue.ts`. Every error is `application/problem+json` (RFC 9457) with a `code` that never changes; fields at fault stand in `errors`. The address for tokens, `/oauth/token`, answers as OAuth does (RFC 6749 §5.2). For programs: `contracts/errors.json`.',
    ['Code', 'Status', 'What happened', 'What to do'],
    Object.entries(problemCatalogue).map(([code, { status, titleVi, titleEn, actionVi, actionEn }]) => [
      `\`${code}\``,
      String(status),
      `${titleVi}<br>${titleEn}`,
      `${actionVi}<br>${actionEn}`,
    ]),
  )
}

function parityPage(): string {
  return page(
    'Parity',
    [
      'Generated from `src/domain/parity.ts`. A sweeper in every gateway looks whether payments, settlements, ledger, invoices, events, deliveries, receipts and refunds tie: what changed in the last',
      'minutes every 15 seconds (rows are at least a minute old then, so that what is being committed is never half seen), and everything there is, 500 rows of each table a minute, again six hours after',
      'its end. Replicas share the work by leases in `parity_passes`.',
      '',
      '**repair**: what is missing follows from committed facts; it is made up for under the locks of the invoice, once, with an entry `parity.repaired` in the journal. **alarm**: money or a promise about it',
      'does not tie; nothing is changed. Each finding is one row of `parity_findings`, one error line in the log, and counts in the metric `feegate_parity_findings{code}` until it ties again. Officers read',
      'them at `GET /v1/ops/parity`. Anything open deserves a person today; of severity **money**, now.',
      '',
      'A pending delivery or refund whose process died is no finding: its lease ends and another takes it up.',
    ].join('\n'),
    ['Code', 'Rows of', 'What does not tie', 'Severity', 'Action', 'What is done, or to do'],
    Object.entries(parityClasses).map(([code, { scope, means, severity, action, remedy }]) => [
      `\`${code}\``,
      `\`${scope}\``,
      means,
      severity,
      action,
      remedy,
    ]),
  )
}

function page(title: string, intro: string, columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${[`# ${title}`, '', intro, '', markdownTable(columns, rows)].join('\n')}\n`
}

if (import.meta.main) {
  const files = await contractFiles()
  if (process.argv.includes('--check')) {
    const found = differences(files, root)
    for (const line of found) process.stdout.write(`${line}\n`)
    if (found.length > 0) {
      process.stdout.write('run "npm run contracts" and commit what it writes\n')
      process.exitCode = 1
    }
  } else {
    write(files, root)
    process.stdout.write(`wrote ${files.size} files to contracts and docs, and the table of the README\n`)
  }
}
