/** The daily receipt summaries (form 01/TH-BLĐT), to look at and to hand in. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { ExportRow } from '../../export/table.ts'
import { Problem } from '../../problem/problem.ts'
import type { TenantDatabase } from '../../store/database.ts'
import { readSummaries, readSummaryLines, type SummaryLine, type SummaryRecord } from '../../store/receipts.ts'
import { problemSchema } from '../portal/schemas.ts'
import type { FinanceOptions } from './receipts.ts'
import { sendFile } from './send-file.ts'

const security = [{ officer: [] }]
const refusals = { 400: problemSchema, 401: problemSchema, 403: problemSchema, 404: problemSchema, 503: problemSchema }
const day = z.iso.date().meta({ description: 'Local day' })

const summary = z
  .object({
    id: z.string(),
    collector: z.object({ name: z.string(), taxCode: z.string() }),
    businessDate: day,
    part: z.number().int().meta({ description: "1 is the day's own; later ones carry what came after it" }),
    supplementsId: z.string().nullable().meta({ description: "The day's first, for a later part" }),
    receipts: z.number().int(),
    amount: z.number().int().meta({ description: 'Whole VND; adjustments taken off' }),
    madeAt: z.string().meta({ format: 'date-time' }),
  })
  .meta({ id: 'ReceiptSummary' })
const line = z
  .object({
    lineNo: z.number().int(),
    receiptId: z.string(),
    template: z.string(),
    symbol: z.string(),
    number: z.number().int(),
    issuedOn: day,
    feeName: z.string(),
    amount: z.number().int(),
    status: z.enum(['NEW', 'ADJUSTS', 'REPLACES']),
    related: z.object({ template: z.string(), symbol: z.string(), number: z.number().int() }).nullable(),
  })
  .meta({ id: 'ReceiptSummaryLine' })

const id = /^rsm_[0-9a-z]{26}$/
const linesAtATime = 1_000

/** Columns of form 01/TH-BLĐT (domain.md §11 R3). */
const columns = [
  { heading: 'STT', width: 6 },
  { heading: 'Ký hiệu mẫu biên lai', width: 20 },
  { heading: 'Ký hiệu biên lai', width: 16 },
  { heading: 'Số biên lai', width: 12 },
  { heading: 'Ngày lập', width: 12 },
  { heading: 'Tên loại phí, lệ phí', width: 50 },
  { heading: 'Số tiền', width: 16 },
  { heading: 'Trạng thái', width: 14 },
  { heading: 'Biên lai liên quan', width: 28 },
]
const statusNames: Readonly<Record<SummaryLine['status'], string>> = {
  NEW: 'Mới',
  ADJUSTS: 'Điều chỉnh',
  REPLACES: 'Thay thế',
}

export function registerReceiptSummaryRoutes(
  server: FastifyInstance,
  { database, officers }: Pick<FinanceOptions, 'database' | 'officers'>,
): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const about = (text: string) => ({ tags: ['Operations'], summary: text, security })
  const guard = officers.holding('finance.read', 'audit')

  routes.get(
    '/v1/finance/receipt-summaries',
    {
      onRequest: guard,
      schema: {
        ...about('Daily receipt summaries, newest first'),
        querystring: z.strictObject({
          taxCode: z.string().max(20).optional(),
          from: day.optional(),
          to: day.optional(),
          limit: z.coerce.number().int().min(1).max(200).default(50),
          cursor: z.string().regex(id).optional(),
        }),
        response: {
          200: z
            .object({ summaries: z.array(summary), nextCursor: z.string().nullable() })
            .meta({ id: 'ReceiptSummaryList' }),
          ...refusals,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { taxCode, from, to, cursor, limit } = request.query
      const found = await readSummaries(database.forTenant(tenantId), {
        tenantId,
        ...(taxCode === undefined ? {} : { taxCode }),
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const page = found.slice(0, limit)
      return { summaries: page.map(summaryOf), nextCursor: found.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  )

  routes.get(
    '/v1/finance/receipt-summaries/:id',
    {
      onRequest: guard,
      schema: {
        ...about('A daily receipt summary with its lines; as CSV or XLSX to hand in'),
        params: z.object({ id: z.string().regex(id) }),
        querystring: z.strictObject({
          format: z.enum(['json', 'csv', 'xlsx']).default('json'),
          bom: z.stringbool().default(true).meta({ description: 'CSV with a byte-order mark, for Excel' }),
          afterLine: z.coerce.number().int().min(0).default(0),
          limit: z.coerce.number().int().min(1).max(linesAtATime).default(200),
        }),
        response: {
          200: z
            .object({ summary, lines: z.array(line), nextAfterLine: z.number().int().nullable() })
            .meta({ id: 'ReceiptSummaryDetail' }),
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const { tenantId } = officers.of(request)
      const store = database.forTenant(tenantId)
      const { format, bom, afterLine, limit } = request.query
      const [found] = await readSummaries(store, { tenantId, id: request.params.id, limit: 1 })
      if (found === undefined) throw new Problem('NOT_FOUND')
      if (format !== 'json')
        return sendFile(reply, {
          format,
          name: `01-TH-BLDT_${found.collectorTaxCode}_${found.businessDate}_${found.part}`,
          sheet: '01-TH-BLĐT',
          columns,
          rows: exportRows(store, found.id),
          bom,
        })
      const lines = await readSummaryLines(store, found.id, afterLine, limit + 1)
      const page = lines.slice(0, limit)
      return {
        summary: summaryOf(found),
        lines: page.map(lineOf),
        nextAfterLine: lines.length > limit ? (page.at(-1)?.lineNo ?? null) : null,
      }
    },
  )
}

async function* exportRows(store: TenantDatabase, summaryId: string): AsyncGenerator<ExportRow> {
  for (let after = 0; ; ) {
    const lines = await readSummaryLines(store, summaryId, after, linesAtATime)
    for (const one of lines) {
      const { relatedTemplate, relatedSymbol, relatedNumber } = one
      yield [
        BigInt(one.lineNo),
        one.template,
        one.symbol,
        one.number.toString(),
        one.issuedOn.split('-').reverse().join('/'),
        one.feeName,
        one.amount,
        statusNames[one.status],
        relatedNumber === null ? null : `${relatedTemplate} ${relatedSymbol} ${relatedNumber}`,
      ]
    }
    const last = lines.at(-1)
    if (last === undefined || lines.length < linesAtATime) return
    after = last.lineNo
  }
}

function summaryOf(record: SummaryRecord): z.infer<typeof summary> {
  return {
    id: record.id,
    collector: { name: record.collectorName, taxCode: record.collectorTaxCode },
    businessDate: record.businessDate,
    part: record.part,
    supplementsId: record.supplementsId,
    receipts: record.receipts,
    amount: Number(record.amount),
    madeAt: record.madeAt.toISOString(),
  }
}

function lineOf(record: SummaryLine): z.infer<typeof line> {
  const { relatedTemplate, relatedSymbol, relatedNumber, amount, ...rest } = record
  return {
    ...rest,
    amount: Number(amount),
    related:
      relatedTemplate === null || relatedSymbol === null || relatedNumber === null
        ? null
        : { template: relatedTemplate, symbol: relatedSymbol, number: relatedNumber },
  }
}
