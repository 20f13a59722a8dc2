/** Statement and settlement files: upload as multipart or as a stream, progress, and what they brought. */
import { rm } from 'node:fs/promises'
import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sequenceId } from '../../../domain/ids.ts'
import { requestFingerprint } from '../../../idempotency/idempotency.ts'
import { Problem } from '../../../problem/problem.ts'
import { readingForFile, readingOf } from '../../../reconciliation/sources.ts'
import { jsonAnswer, officerKeys } from '../../portal/idempotent.ts'
import { idempotencyHeaders } from '../../portal/schemas.ts'
import {
  about,
  acting,
  cursorOf,
  day,
  decimal,
  paged,
  pageQuery,
  type ReconciliationOptions,
  reading,
  time,
} from './shared.ts'

/**
 * What comes through in the time one request may take (30 s) at 10 MB/s, rounded. Larger files go through the watched folder or
 * `feegate reconcile import`.
 */
const maxUploadBytes = 256 * 2 ** 20

import { spool } from './spool.ts'

const fileAnswer = z
  .object({
    id: z.string(),
    kind: z.enum(['STATEMENT', 'SETTLEMENT']),
    name: z.string(),
    sha256: z.string(),
    bytes: z.number().int(),
    format: z.string().nullable(),
    status: z.enum(['LOADING', 'IMPORTED', 'REFUSED', 'SUPERSEDED']),
    readLines: z.number().int().meta({ description: 'So far, while it is loading' }),
    bookedLines: z.number().int(),
    knownLines: z.number().int().meta({ description: 'Brought by another statement before: counted, not booked' }),
    reconciled: z.boolean(),
    refusal: z
      .object({
        code: z.string(),
        message: z.string(),
        line: z.number().int().nullable(),
        problems: z.array(z.object({ line: z.number().int().nullable(), code: z.string(), message: z.string() })),
        facts: z.record(z.string(), z.string()),
      })
      .nullable(),
    supersedesId: z.string().nullable(),
    receivedBy: z.string(),
    receivedAt: time,
  })
  .meta({ id: 'StatementFile' })

const lineAnswer = z
  .object({
    id: z.string(),
    bookedOn: day,
    valueOn: day.nullable(),
    direction: z.enum(['CREDIT', 'DEBIT']),
    reversal: z.boolean(),
    status: z.enum(['BOOK', 'PDNG', 'INFO']),
    amount: decimal,
    currency: z.string().nullable(),
    bankReference: z.string().nullable(),
    remittance: z.string(),
    counterpartyName: z.string().nullable(),
    counterpartyAccount: z.string().nullable(),
    raw: z.string(),
    place: z.string().nullable().meta({ description: 'The match or break that explains it' }),
  })
  .meta({ id: 'StatementLine' })

const fileColumns = `f.id, f.kind, f.name, f.sha256, f.bytes, f.format, f.status, f.read_lines AS "readLines", f.booked_lines AS "bookedLines",
  f.known_lines AS "knownLines", f.run_id IS NOT NULL AS reconciled, f.refusal, f.supersedes_id AS "supersedesId", f.received_by AS "receivedBy",
  f.received_at AS "receivedAt"`
type FileRow = Omit<z.infer<typeof fileAnswer>, 'bytes' | 'readLines' | 'bookedLines' | 'knownLines' | 'receivedAt'> & {
  bytes: bigint
  readLines: bigint
  bookedLines: bigint
  knownLines: bigint
  receivedAt: Date
}
const shown = (row: FileRow): z.infer<typeof fileAnswer> => ({
  ...row,
  bytes: Number(row.bytes),
  readLines: Number(row.readLines),
  bookedLines: Number(row.bookedLines),
  knownLines: Number(row.knownLines),
  receivedAt: row.receivedAt.toISOString(),
})

const uploadQuery = z.strictObject({
  name: z.string().min(1).max(255).optional().meta({ description: 'File name, for a body that is a stream' }),
  source: z.string().max(60).optional().meta({ description: 'How it is read; else by its name and content' }),
  beneficiaryAccountId: z.string().max(60).optional(),
  supersedes: z
    .string()
    .regex(/^fil_[0-9a-z]{26}$/)
    .optional()
    .meta({ description: 'The file that this one corrects' }),
})

/** In a scope of its own: nobody else takes bodies of these kinds. */
export function registerFileRoutes(server: FastifyInstance, options: ReconciliationOptions): void {
  server.register(async (scope) => {
    await scope.register(multipart, { limits: { files: 2, fields: 0, fileSize: maxUploadBytes, parts: 2 } })
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload))
    registerUpload(scope, options)
  })
  registerReading(server, options)
}

function registerUpload(
  scope: FastifyInstance,
  { database, idempotency, officers, desk }: ReconciliationOptions,
): void {
  scope.withTypeProvider<ZodTypeProvider>().post(
    '/v1/finance/statement-files',
    {
      onRequest: officers.holding('finance.resolve'),
      bodyLimit: maxUploadBytes,
      schema: {
        ...about(
          'Upload a statement or settlement file: multipart/form-data with one file and, where its source asks for one, the CMS signature as a part `signature`; or the bytes alone as application/octet-stream',
        ),
        headers: idempotencyHeaders,
        querystring: uploadQuery,
        response: { 202: fileAnswer, ...acting },
      },
    },
    async (request, reply) => {
      const officer = officers.of(request)
      const { source, beneficiaryAccountId, supersedes } = request.query
      const tenant = database.forTenant(officer.tenantId)
      const spooled = await spool(request, maxUploadBytes)
      let kept = false
      try {
        const name = spooled.name ?? request.query.name ?? 'statement'
        const named =
          source === undefined
            ? await readingForFile(tenant.query, officer.tenantId, name)
            : await readingOf(tenant.query, officer.tenantId, source)
        const { answer, replayed } = await idempotency.runOutside(
          {
            ...officerKeys({ tenantId: officer.tenantId, subject: officer.subject }),
            key: keyOf(request),
            fingerprint: requestFingerprint('POST', request.raw.url ?? '', spooled.fingerprint),
          },
          async () => {
            const { fileId } = await desk.accept({
              tenantId: officer.tenantId,
              path: spooled.path,
              discard: spooled.folder,
              name,
              origin: 'UPLOAD',
              actor: officer.subject,
              source:
                named.kind === 'STATEMENT' && beneficiaryAccountId !== undefined
                  ? { ...named, beneficiaryAccountId }
                  : named,
              signature: spooled.signature,
              supersedesId: supersedes,
            })
            kept = true
            const [row] = await tenant.query<FileRow>(`SELECT ${fileColumns} FROM statement_files f WHERE f.id = $1`, [
              fileId,
            ])
            if (row === undefined) throw new Error('the file was not registered')
            return jsonAnswer(202, shown(row), { location: `/v1/finance/statement-files/${fileId}` })
          },
        )
        reply.code(answer.status)
        for (const [header, value] of Object.entries(answer.headers)) reply.header(header, value)
        if (replayed) reply.header('idempotency-replayed', 'true')
        // The answer is fixed text from here on.
        return await reply.send(answer.body as never)
      } finally {
        if (!kept) await rm(spooled.folder, { recursive: true, force: true })
      }
    },
  )
}

function keyOf(request: FastifyRequest): string {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) throw new Problem('IDEMPOTENCY_KEY_MISSING')
  return key
}

function registerReading(server: FastifyInstance, { database, officers }: ReconciliationOptions): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = officers.holding('finance.read')
  const params = z.object({ id: z.string().regex(/^fil_[0-9a-z]{26}$/) })

  routes.get(
    '/v1/finance/statement-files',
    {
      onRequest,
      schema: {
        ...about('Files, newest first'),
        querystring: z.strictObject({
          ...pageQuery,
          status: z.enum(['LOADING', 'IMPORTED', 'REFUSED', 'SUPERSEDED']).optional(),
        }),
        response: {
          200: z
            .object({ files: z.array(fileAnswer), nextCursor: z.string().nullable() })
            .meta({ id: 'StatementFiles' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, status } = request.query
      const rows = await database.forTenant(tenantId).query<FileRow>(
        `SELECT ${fileColumns} FROM statement_files f
          WHERE f.tenant_id = $1 AND ($2::text IS NULL OR f.id < $2) AND ($3::text IS NULL OR f.status = $3) ORDER BY f.id DESC LIMIT $4`,
        [tenantId, cursor ?? null, status ?? null, limit + 1],
      )
      const { page, nextCursor } = paged(rows, limit, ({ id }) => id)
      return { files: page.map(shown), nextCursor }
    },
  )
  routes.get(
    '/v1/finance/statement-files/:id',
    {
      onRequest,
      schema: {
        ...about('One file: progress, or why it was refused'),
        params,
        response: { 200: fileAnswer, ...reading },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const [row] = await database
        .forTenant(tenantId)
        .query<FileRow>(`SELECT ${fileColumns} FROM statement_files f WHERE f.id = $1 AND f.tenant_id = $2`, [
          request.params.id,
          tenantId,
        ])
      if (row === undefined) throw new Problem('NOT_FOUND')
      return shown(row)
    },
  )
  routes.get(
    '/v1/finance/statement-files/:id/lines',
    {
      onRequest,
      schema: {
        ...about('Lines of a file, each with what explains it'),
        params,
        querystring: z.strictObject(pageQuery),
        response: {
          200: z
            .object({ lines: z.array(lineAnswer), nextCursor: z.string().nullable() })
            .meta({ id: 'StatementLines' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor } = request.query
      type Row = Omit<z.infer<typeof lineAnswer>, 'id' | 'place'> & {
        id: bigint
        match: bigint | null
        break: bigint | null
      }
      const tenant = database.forTenant(tenantId)
      const known = await tenant.query('SELECT id FROM statement_files WHERE id = $1 AND tenant_id = $2', [
        request.params.id,
        tenantId,
      ])
      if (known.length === 0) throw new Problem('NOT_FOUND')
      const rows = await tenant.query<Row>(
        `SELECT l.id, l.booked_on AS "bookedOn", l.value_on AS "valueOn", l.direction, l.reversal, l.status, l.amount::text AS amount, l.currency,
                l.bank_reference AS "bankReference", l.remittance, l.counterparty_name AS "counterpartyName",
                l.counterparty_account AS "counterpartyAccount", l.raw, CASE WHEN i.rule IS NOT NULL THEN coalesce(i.group_id, i.id) END AS match, i.break_id AS break
           FROM statements s JOIN statement_lines l ON l.statement_id = s.id
           LEFT JOIN reconciliation_items i ON i.line_id = l.id AND i.ended_on IS NULL
          WHERE s.file_id = $1 AND s.tenant_id = $2 AND ($3::bigint IS NULL OR l.id > $3) ORDER BY l.id LIMIT $4`,
        [request.params.id, tenantId, cursorOf('lin', cursor), limit + 1],
      )
      const { page, nextCursor } = paged(rows, limit, ({ id }) => sequenceId('lin', id))
      return {
        lines: page.map(({ id, match, break: broken, ...line }) => ({
          ...line,
          id: sequenceId('lin', id),
          place: match !== null ? sequenceId('mat', match) : broken !== null ? sequenceId('brk', broken) : null,
        })),
        nextCursor,
      }
    },
  )
}
