/** Runs, matches, sources of files and the check of I12. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sequenceId } from '../../../domain/ids.ts'
import { ruleSet } from '../../../domain/reconciliation/rules.ts'
import { checkReconciled } from '../../../reconciliation/invariant.ts'
import { reconcile } from '../../../reconciliation/run.ts'
import { readSources, type SourceRow, saveSource, statementSource } from '../../../reconciliation/sources.ts'
import { signedBy } from '../../../signing/signed-by.ts'
import { answerOnce, answerOnceOutside, jsonAnswer, officerKeys } from '../../portal/idempotent.ts'
import { idempotencyHeaders } from '../../portal/schemas.ts'
import {
  about,
  acting,
  cursorOf,
  day,
  numbered,
  numberOf,
  paged,
  pageQuery,
  type ReconciliationOptions,
  reading,
  time,
} from './shared.ts'

const counts = z.record(z.string(), z.number().int())
const runAnswer = z
  .object({
    id: z.string(),
    ruleSetVersion: z.number().int(),
    asOf: day,
    status: z.enum(['RUNNING', 'DONE', 'FAILED']),
    actor: z.string(),
    startedAt: time,
    finishedAt: time.nullable(),
    figures: z.object({ matched: counts, breaks: counts, settled: counts }).nullable(),
    error: z.string().nullable(),
  })
  .meta({ id: 'ReconciliationRun' })
type RunRow = Omit<z.infer<typeof runAnswer>, 'id' | 'startedAt' | 'finishedAt'> & {
  id: bigint
  startedAt: Date
  finishedAt: Date | null
}
const runColumns = `id, rule_set_version AS "ruleSetVersion", as_of AS "asOf", status, actor, started_at AS "startedAt", finished_at AS "finishedAt", figures, error`
const shownRun = (row: RunRow): z.infer<typeof runAnswer> => ({
  ...row,
  id: sequenceId('run', row.id),
  startedAt: row.startedAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
})

const matchAnswer = z
  .object({
    id: z.string(),
    rule: z.string(),
    ruleSetVersion: z.number().int(),
    railAccountId: z.string(),
    countedOn: day,
    lineId: z.string().nullable(),
    settlementId: z.string().nullable(),
    rowId: z.string().nullable(),
    refundId: z.string().nullable(),
    evidence: z.record(z.string(), z.unknown()),
    runId: z.string(),
  })
  .meta({
    id: 'ReconciliationMatch',
    description: 'One line and one payment; a larger match is several of these under one id',
  })

const sourceAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.number().int(),
    kind: z.enum(['STATEMENT', 'SETTLEMENT']),
    filePattern: z.string().nullable(),
    format: z.string().nullable(),
    mapping: z.record(z.string(), z.unknown()).nullable(),
    layout: z.string().nullable(),
    railAccountId: z.string().nullable(),
    signedBy: signedBy.nullable(),
    createdBy: z.string(),
    createdAt: time,
  })
  .meta({ id: 'StatementSource' })
const shownSource = (row: SourceRow) => ({ ...row, createdAt: row.createdAt.toISOString() })

export function registerRunRoutes(server: FastifyInstance, options: ReconciliationOptions): void {
  const { database, environment, idempotency, officers, settler, log } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = officers.holding('finance.read')

  routes.post(
    '/v1/finance/reconciliation/runs',
    {
      onRequest: officers.holding('finance.resolve'),
      schema: { ...about('Reconcile now'), headers: idempotencyHeaders, response: { 200: runAnswer, ...acting } },
    },
    async (request, reply) => {
      const officer = officers.of(request)
      const { tenantId, subject } = officer
      return await answerOnceOutside(
        idempotency,
        request,
        reply,
        async () => {
          const { runId } = await reconcile({ database, environment, settler, log }, tenantId, subject)
          const [row] = await database
            .forTenant(tenantId)
            .query<RunRow>(`SELECT ${runColumns} FROM reconciliation_runs WHERE id = $1`, [runId])
          if (row === undefined) throw new Error('the run is not on record')
          return jsonAnswer(200, shownRun(row))
        },
        officerKeys({ tenantId, subject }),
      )
    },
  )
  routes.get(
    '/v1/finance/reconciliation/runs',
    {
      onRequest,
      schema: {
        ...about('Runs, newest first'),
        querystring: z.strictObject(pageQuery),
        response: {
          200: z
            .object({ runs: z.array(runAnswer), nextCursor: z.string().nullable() })
            .meta({ id: 'ReconciliationRuns' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor } = request.query
      const rows = await database
        .forTenant(tenantId)
        .query<RunRow>(
          `SELECT ${runColumns} FROM reconciliation_runs WHERE tenant_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
          [tenantId, cursorOf('run', cursor), limit + 1],
        )
      const { page, nextCursor } = paged(rows, limit, ({ id }) => sequenceId('run', id))
      return { runs: page.map(shownRun), nextCursor }
    },
  )
  routes.get(
    '/v1/finance/reconciliation/rules',
    {
      onRequest,
      schema: {
        ...about('The matching rules in force'),
        response: {
          200: z
            .object({ version: z.number().int(), rules: z.array(z.object({ code: z.string(), means: z.string() })) })
            .meta({ id: 'MatchingRules' }),
          ...reading,
        },
      },
    },
    async () => ({ version: ruleSet.version, rules: ruleSet.rules.map((rule) => ({ ...rule })) }),
  )
  routes.get(
    '/v1/finance/reconciliation/check',
    {
      onRequest,
      schema: {
        ...about('I12: every line and payment in exactly one match or break; what is not, by name'),
        response: {
          200: z
            .object({
              holds: z.boolean(),
              violations: z.array(z.object({ what: z.string(), id: z.string(), detail: z.string() })),
            })
            .meta({ id: 'ReconciliationCheck' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const violations = await checkReconciled(database.forTenant(tenantId), tenantId)
      return { holds: violations.length === 0, violations }
    },
  )
  routes.get(
    '/v1/finance/reconciliation/matches',
    {
      onRequest,
      schema: {
        ...about('Matches, newest first'),
        querystring: z.strictObject({
          ...pageQuery,
          rule: z.string().max(40).optional(),
          railAccountId: z.string().max(60).optional(),
          settlementId: z.string().max(40).optional(),
          lineId: numbered('lin').optional(),
          countedOn: day.optional(),
        }),
        response: {
          200: z
            .object({ matches: z.array(matchAnswer), nextCursor: z.string().nullable() })
            .meta({ id: 'ReconciliationMatches' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, rule, railAccountId, settlementId, lineId, countedOn } = request.query
      type Row = {
        id: bigint
        group: bigint
        rule: string
        version: number
        railAccountId: string
        countedOn: string
        lineId: bigint | null
        settlementId: string | null
        rowId: bigint | null
        refundId: string | null
        evidence: Record<string, unknown> | null
        runId: bigint
      }
      const rows = await database.forTenant(tenantId).query<Row>(
        `SELECT id, coalesce(group_id, id) AS "group", rule, rule_set_version AS version, rail_account_id AS "railAccountId", counted_on AS "countedOn",
                line_id AS "lineId", settlement_id AS "settlementId", row_id AS "rowId", refund_id AS "refundId", evidence, run_id AS "runId"
           FROM reconciliation_items
          WHERE tenant_id = $1 AND rule IS NOT NULL AND ended_on IS NULL AND ($2::bigint IS NULL OR id < $2) AND ($3::text IS NULL OR rule = $3)
            AND ($4::text IS NULL OR rail_account_id = $4) AND ($5::text IS NULL OR settlement_id = $5) AND ($6::bigint IS NULL OR line_id = $6)
            AND ($7::date IS NULL OR counted_on = $7) ORDER BY id DESC LIMIT $8`,
        [
          tenantId,
          cursorOf('mat', cursor),
          rule ?? null,
          railAccountId ?? null,
          settlementId ?? null,
          lineId === undefined ? null : numberOf('lin', lineId),
          countedOn ?? null,
          limit + 1,
        ],
      )
      const { page, nextCursor } = paged(rows, limit, ({ id }) => sequenceId('mat', id))
      return {
        matches: page.map(({ id: _id, group, version, lineId: line, rowId, runId, evidence, ...row }) => ({
          ...row,
          id: sequenceId('mat', group),
          ruleSetVersion: version,
          lineId: line === null ? null : sequenceId('lin', line),
          rowId: rowId === null ? null : sequenceId('row', rowId),
          evidence: evidence ?? {},
          runId: sequenceId('run', runId),
        })),
        nextCursor,
      }
    },
  )

  routes.get(
    '/v1/finance/statement-sources',
    {
      onRequest,
      schema: {
        ...about('How files are read, newest version of each'),
        response: { 200: z.object({ sources: z.array(sourceAnswer) }).meta({ id: 'StatementSources' }), ...reading },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      return { sources: (await readSources(database.forTenant(tenantId).query, tenantId)).map(shownSource) }
    },
  )
  routes.post(
    '/v1/finance/statement-sources',
    {
      onRequest: officers.holding('finance.resolve'),
      schema: {
        ...about('Say how files of a source are read: a new version'),
        headers: idempotencyHeaders,
        body: statementSource,
        response: { 201: sourceAnswer, ...acting },
      },
    },
    async (request, reply) => {
      const { tenantId, subject } = officers.of(request)
      return await answerOnce(
        idempotency,
        request,
        reply,
        async (tx) => jsonAnswer(201, shownSource(await saveSource(tx, environment, tenantId, request.body, subject))),
        officerKeys({ tenantId, subject }),
      )
    },
  )
}
