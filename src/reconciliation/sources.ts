/** How the files of each source are read: versions kept, the newest in force. */
import { matchesGlob } from 'node:path'
import { z } from 'zod'
import { type Environment, newId } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import { type SignedBy, signedBy } from '../signing/signed-by.ts'
import type { Query, Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'
import type { SourceReading } from './import/receive.ts'
import { type StatementMapping, statementMapping } from './readers/table/mapping.ts'
import { settlementLayouts } from './settlement-file/readers.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{1,59}$/, 'lower-case letters, digits and dashes')
const filePattern = z.string().min(1).max(100).optional()

export const statementSource = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('STATEMENT'),
    name,
    /** Glob for names in the watched folder: `VCB-*.csv`. */
    filePattern,
    /** Found from the content when left out. */
    format: z.enum(['mt940', 'camt', 'csv', 'xlsx']).optional(),
    mapping: statementMapping.optional(),
    /** Whose CMS signature each file must bring: beside it as `<file>.p7s`, or with the upload. */
    signedBy: signedBy.optional(),
  }),
  z.strictObject({
    kind: z.literal('SETTLEMENT'),
    name,
    filePattern,
    layout: z.string().refine((layout) => settlementLayouts.includes(layout), 'no reader of this layout'),
    railAccountId: z.string().min(1).max(60),
    signedBy: signedBy.optional(),
  }),
])
export type StatementSource = z.output<typeof statementSource>

export type SourceRow = {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly kind: 'STATEMENT' | 'SETTLEMENT'
  readonly filePattern: string | null
  readonly format: 'mt940' | 'camt' | 'csv' | 'xlsx' | null
  readonly mapping: StatementMapping | null
  readonly layout: string | null
  readonly railAccountId: string | null
  readonly signedBy: SignedBy | null
  readonly createdBy: string
  readonly createdAt: Date
}

/** Newest version of each source, or of one. */
export async function readSources(query: Query, tenantId: string, only?: string): Promise<SourceRow[]> {
  return await query<SourceRow>(
    `SELECT DISTINCT ON (name) id, name, version, kind, file_pattern AS "filePattern", format, mapping, layout, rail_account_id AS "railAccountId",
            signed_by AS "signedBy", created_by AS "createdBy", created_at AS "createdAt"
       FROM statement_sources WHERE tenant_id = $1 AND ($2::text IS NULL OR name = $2) ORDER BY name, version DESC`,
    [tenantId, only ?? null],
  )
}

/** Adds a version; files read before keep theirs. */
export async function saveSource(
  tx: Transaction,
  environment: Environment,
  tenantId: string,
  source: StatementSource,
  actor: string,
): Promise<SourceRow> {
  if (source.kind === 'SETTLEMENT') {
    const known = await tx.query('SELECT id FROM rail_accounts WHERE id = $1 AND tenant_id = $2', [
      source.railAccountId,
      tenantId,
    ])
    if (known.length === 0)
      throw new Problem('INVALID_REQUEST', {
        errors: [
          { field: 'railAccountId', code: 'unknown', en: 'no such rail account', vi: 'không có tài khoản kênh này' },
        ],
      })
  }
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `statement source ${tenantId} ${source.name}`,
  ])
  const [last] = await readSources(tx.query, tenantId, source.name)
  await insertAll(tx, 'statement_sources', [
    {
      id: newId(environment, 'src'),
      tenant_id: tenantId,
      name: source.name,
      version: (last?.version ?? 0) + 1,
      kind: source.kind,
      file_pattern: source.filePattern ?? null,
      format: source.kind === 'STATEMENT' ? (source.format ?? null) : null,
      mapping: source.kind === 'STATEMENT' ? (source.mapping ?? null) : null,
      layout: source.kind === 'SETTLEMENT' ? source.layout : null,
      rail_account_id: source.kind === 'SETTLEMENT' ? source.railAccountId : null,
      signed_by: source.signedBy ?? null,
      created_by: actor,
      created_at: environment.now(),
    },
  ])
  const [saved] = await readSources(tx.query, tenantId, source.name)
  if (saved === undefined) throw new Error('the source was not saved')
  await appendJournal(tx, [
    {
      tenantId,
      at: environment.now(),
      kind: 'statement.source-saved',
      subject: saved.id,
      actor,
      facts: { name: saved.name, version: saved.version },
    },
  ])
  return saved
}

/** @throws Problem STATEMENT_SOURCE_UNKNOWN */
export async function readingOf(query: Query, tenantId: string, sourceName: string): Promise<SourceReading> {
  const [source] = await readSources(query, tenantId, sourceName)
  if (source === undefined) throw new Problem('STATEMENT_SOURCE_UNKNOWN')
  return asReading(source)
}

/** By the source whose pattern fits the name of the file; without one, a statement that is read as it looks and signed by nobody. */
export async function readingForFile(query: Query, tenantId: string, fileName: string): Promise<SourceReading> {
  const sources = await readSources(query, tenantId)
  const source = sources.find(({ filePattern }) => filePattern !== null && matchesGlob(fileName, filePattern))
  return source === undefined ? { kind: 'STATEMENT', sourceId: null } : asReading(source)
}

function asReading(source: SourceRow): SourceReading {
  return source.kind === 'SETTLEMENT'
    ? {
        kind: 'SETTLEMENT',
        sourceId: source.id,
        signedBy: source.signedBy,
        layout: source.layout ?? '',
        railAccountId: source.railAccountId ?? '',
      }
    : {
        kind: 'STATEMENT',
        sourceId: source.id,
        signedBy: source.signedBy,
        format: source.format ?? undefined,
        mapping: source.mapping ?? undefined,
      }
}
