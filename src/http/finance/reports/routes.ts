/** One route per report, made from its definition: JSON in pages, or a CSV or XLSX file of all rows. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { businessDate } from '../../../domain/vietnam-time.ts'
import { Problem } from '../../../problem/problem.ts'
import { problemSchema } from '../../portal/schemas.ts'
import type { FinanceOptions } from '../receipts.ts'
import { sendFile } from '../send-file.ts'
import { reports } from './all.ts'
import { createFileGate } from './gate.ts'
import { type ReportCursor, readAll, readPage, readTotals } from './query.ts'
import type { ColumnType, Report } from './report.ts'

const refusals = { 400: problemSchema, 401: problemSchema, 403: problemSchema, 404: problemSchema, 503: problemSchema }

const day = z.iso.date().meta({ description: 'Local day' })
const valueSchemas: Readonly<Record<ColumnType, z.ZodType<string | number | null>>> = {
  day: z.string().nullable(),
  text: z.string().nullable(),
  count: z.number().int(),
  money: z.number().int().meta({ description: 'Whole VND' }),
  percent: z.number().nullable(),
  seconds: z.number().nullable(),
  time: z.string().nullable(),
}

const cursorShape = z.array(z.string().max(300)).max(10)

const query = z.strictObject({
  from: day.optional().meta({ description: 'First local day; today when left out' }),
  to: day.optional().meta({ description: 'Last local day, included; today when left out' }),
  agencyCode: z.string().max(40).optional(),
  format: z.enum(['json', 'csv', 'xlsx']).default('json'),
  bom: z.stringbool().default(true).meta({ description: 'CSV with a byte-order mark, for Excel' }),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
  cursor: z
    .string()
    .max(2_000)
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional(),
})

export function registerReportRoutes(
  server: FastifyInstance,
  { database, environment, officers }: Pick<FinanceOptions, 'database' | 'environment' | 'officers'>,
): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const gate = createFileGate()
  for (const report of reports) {
    routes.get(
      `/v1/finance/reports/${report.name}`,
      {
        onRequest: officers.holding('finance.read', 'audit'),
        schema: {
          tags: ['Reports'],
          summary: report.titleEn,
          security: [{ officer: [] }],
          querystring: query,
          response: { 200: answerOf(report), ...refusals },
        },
      },
      async (request, reply) => {
        const { tenantId } = officers.of(request)
        const store = database.forTenant(tenantId)
        const { format, bom, limit, cursor, agencyCode = null } = request.query
        const now = environment.now()
        const today = businessDate(now)
        const { from = today, to = today } = request.query
        if (from > to) throw rangeProblem()
        const range = { tenantId, from, to, agencyCode, now }
        if (format !== 'json') {
          const { rows, close } = await gate(readAll(store, report, range))
          return sendFile(reply, {
            format,
            name: report.over === 'days' ? `${report.name}_${from}_${to}` : `${report.name}_${today}`,
            sheet: report.name,
            columns: report.columns.map(({ vi, type }) => ({ heading: vi, width: type === 'text' ? 28 : 16 })),
            rows,
            bom,
            close,
          })
        }
        const after = cursor === undefined ? null : readCursor(cursor, report)
        const { rows, next } = await readPage(store, report, range, limit, after)
        return {
          report: report.name,
          title: report.titleVi,
          ...(report.over === 'days' ? { from, to } : { from: null, to: null }),
          rows,
          // Once is enough: they are the same on every page.
          totals: after === null ? await readTotals(store, report, range) : null,
          nextCursor: next === null ? null : Buffer.from(JSON.stringify(next)).toString('base64url'),
        }
      },
    )
  }
}

function answerOf(report: Report): z.ZodType {
  const shape = (columns: Report['columns']) =>
    z.object(Object.fromEntries(columns.map(({ name, type, vi }) => [name, valueSchemas[type].meta({ title: vi })])))
  const name = report.name.replace(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase())
  return z
    .object({
      report: z.literal(report.name),
      title: z.string(),
      from: day.nullable(),
      to: day.nullable(),
      rows: z.array(shape(report.columns)),
      totals: shape(report.columns.filter(({ sums }) => sums === true))
        .nullable()
        .meta({ description: 'Over all rows, not only this page; on the first page' }),
      nextCursor: z.string().nullable(),
    })
    .meta({ id: `${name}Report` })
}

function readCursor(text: string, report: Report): ReportCursor {
  const keys = report.columns.filter(({ key }) => key === true).length
  try {
    const cursor = cursorShape.length(keys).parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    const days = report.columns.filter(({ key }) => key === true).map(({ type }) => type === 'day')
    if (cursor.every((value, index) => days[index] !== true || /^\d{4}-\d{2}-\d{2}$/.test(value))) return cursor
  } catch (error) {
    throw cursorProblem(error)
  }
  throw cursorProblem(null)
}

function cursorProblem(cause: unknown): Problem {
  const vi = 'Không phải con trỏ của báo cáo này'
  const en = 'Not a cursor of this report'
  return new Problem('INVALID_REQUEST', { cause, errors: [{ field: 'query.cursor', code: 'cursor', vi, en }] })
}

function rangeProblem(): Problem {
  const vi = 'Ngày cuối trước ngày đầu'
  const en = 'The last day is before the first'
  return new Problem('INVALID_REQUEST', { errors: [{ field: 'query.to', code: 'range', vi, en }] })
}
