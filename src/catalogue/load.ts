/**
 * Loading a catalogue file into a tenant: all of it or nothing. Rates are never changed: what differs gets a next version, what
 * the file no longer has is withdrawn, so every issued invoice can be explained for ever.
 */
import { createHash } from 'node:crypto'
import { parseProcedureCode } from '../domain/codes/procedure-code.ts'
import { readCatalogue } from '../domain/fees/catalogue-file.ts'
import { type Environment, newId } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'

export type CatalogueLoad = {
  readonly releaseId: string
  readonly version: string
  readonly illustrative: boolean
  readonly procedures: number
  /** Rates and adjustments that are new or changed. */
  readonly changed: number
  readonly withdrawn: number
  /** The very same file was loaded before: nothing was done. */
  readonly alreadyLoaded: boolean
}

export type CatalogueSource = {
  readonly tenantId: string
  readonly actor: string
  /** The parsed JSON of the file. */
  readonly data: unknown
  /** Production refuses catalogues that are labelled illustrative. */
  readonly refuseIllustrative: boolean
}

export async function loadCatalogue(
  tx: Transaction,
  environment: Environment,
  source: CatalogueSource,
): Promise<CatalogueLoad> {
  const read = readCatalogue(source.data)
  if (!read.ok) {
    throw new Problem('INVALID_REQUEST', {
      vi: 'Tệp danh mục phí không hợp lệ.',
      en: 'The catalogue file is not valid.',
      errors: read.problems.map(({ path, messageVi, messageEn }) => ({
        field: path,
        code: 'catalogue',
        vi: messageVi,
        en: messageEn,
      })),
    })
  }
  const { catalogue } = read
  if (catalogue.illustrative && source.refuseIllustrative) {
    throw new Problem('INVALID_REQUEST', {
      vi: 'Danh mục minh hoạ không được dùng ở chế độ vận hành.',
      en: 'An illustrative catalogue is refused in production.',
    })
  }
  const { tenantId, actor } = source
  const now = environment.now()
  const sha256 = createHash('sha256').update(JSON.stringify(source.data)).digest('hex')
  // One load at a time per tenant.
  await tx.query('SELECT id FROM tenants WHERE id = $1 FOR UPDATE', [tenantId])
  const [latest] = await tx.query<{ id: string; sha256: string }>(
    'SELECT id, sha256 FROM catalogue_releases WHERE tenant_id = $1 ORDER BY loaded_at DESC, id DESC LIMIT 1',
    [tenantId],
  )
  const summary = {
    version: catalogue.version,
    illustrative: catalogue.illustrative,
    procedures: catalogue.procedures.length,
  }
  if (latest?.sha256 === sha256)
    return { releaseId: latest.id, ...summary, changed: 0, withdrawn: 0, alreadyLoaded: true }

  const releaseId = newId(environment, 'rel')
  await insertAll(tx, 'catalogue_releases', [
    {
      id: releaseId,
      tenant_id: tenantId,
      sha256,
      version: catalogue.version,
      illustrative: catalogue.illustrative,
      source: catalogue.source,
      loaded_by: actor,
      loaded_at: now,
    },
  ])
  const raw = rawEntries(source.data)
  await insertAll(
    tx,
    'procedures',
    raw.procedures.map(({ code, body }) => ({ tenant_id: tenantId, code, body, release_id: releaseId })),
    'ON CONFLICT (tenant_id, code) DO UPDATE SET body = excluded.body, release_id = excluded.release_id',
  )
  const rates = await replace(tx, 'fee_rates', tenantId, releaseId, now, raw.rates)
  const adjustments = await replace(tx, 'fee_adjustments', tenantId, releaseId, now, raw.adjustments)
  const changed = rates.changed + adjustments.changed
  const withdrawn = rates.withdrawn + adjustments.withdrawn
  await appendJournal(tx, [
    {
      tenantId,
      at: now,
      kind: 'catalogue.loaded',
      subject: releaseId,
      actor,
      facts: { sha256, version: catalogue.version, changed, withdrawn },
    },
  ])
  return { releaseId, ...summary, changed, withdrawn, alreadyLoaded: false }
}

type Entry = { readonly id: string; readonly body: object; readonly procedure_code?: string }

/** Withdraws what is gone or different and adds what is new or different, in two statements. */
async function replace(
  tx: Transaction,
  table: 'fee_rates' | 'fee_adjustments',
  tenantId: string,
  releaseId: string,
  now: Date,
  entries: readonly Entry[],
): Promise<{ changed: number; withdrawn: number }> {
  const given = JSON.stringify(entries)
  const ended = await tx.query<{ id: string }>(
    `UPDATE ${table} t SET withdrawn_at = $2 WHERE t.tenant_id = $1 AND t.withdrawn_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM json_to_recordset($3::json) AS g(id text, body jsonb) WHERE g.id = t.id AND g.body = t.body)
      RETURNING id`,
    [tenantId, now, given],
  )
  const extra = table === 'fee_rates' ? ', procedure_code' : ''
  const added = await tx.query<{ id: string }>(
    `INSERT INTO ${table} (tenant_id, id, version, body, release_id${extra})
     SELECT $1, g.id, 1 + coalesce((SELECT max(o.version) FROM ${table} o WHERE o.tenant_id = $1 AND o.id = g.id), 0), g.body, $2${extra === '' ? '' : ', g.procedure_code'}
       FROM json_to_recordset($3::json) AS g(id text, body jsonb, procedure_code text)
      WHERE NOT EXISTS (SELECT 1 FROM ${table} t WHERE t.tenant_id = $1 AND t.id = g.id AND t.withdrawn_at IS NULL)
      RETURNING id`,
    [tenantId, releaseId, given],
  )
  const kept = new Set(entries.map(({ id }) => id))
  return { changed: added.length, withdrawn: ended.filter(({ id }) => !kept.has(id)).length }
}

/** The entries as the file writes them: that text is stored, and read back through the same schema. */
function rawEntries(data: unknown): {
  procedures: { code: string; body: object }[]
  rates: Entry[]
  adjustments: Entry[]
} {
  const procedures = list(field(data, 'procedures'))
  return {
    procedures: procedures.map((procedure) => ({
      code: nationalPart(procedure),
      body: Object.fromEntries(Object.entries(procedure).filter(([name]) => name !== 'rates')),
    })),
    rates: procedures.flatMap((procedure) =>
      list(field(procedure, 'rates')).map((body) => ({
        id: String(field(body, 'id')),
        body,
        procedure_code: nationalPart(procedure),
      })),
    ),
    adjustments: list(field(data, 'adjustments')).map((body) => ({ id: String(field(body, 'id')), body })),
  }
}

function nationalPart(procedure: object): string {
  const parsed = parseProcedureCode(String(field(procedure, 'code')))
  return parsed.ok ? parsed.value.nationalPart : ''
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function list(value: unknown): object[] {
  return Array.isArray(value)
    ? value.filter((entry): entry is object => typeof entry === 'object' && entry !== null)
    : []
}
