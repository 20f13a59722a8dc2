/** Breaks, matches and statement lines as files: CSV without formulas, XLSX, and a JSON in the words of camt.053. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ageOf } from '../../../domain/business-days.ts'
import { sequenceId } from '../../../domain/ids.ts'
import { breakClass } from '../../../domain/reconciliation/breaks.ts'
import { businessDate } from '../../../domain/vietnam-time.ts'
import type { ExportColumn, ExportRow } from '../../../export/table.ts'
import { Problem } from '../../../problem/problem.ts'
import type { Query } from '../../../store/database.ts'
import { sendFile } from '../send-file.ts'
import { breakColumns, breakConditions, breakFilter, calendarOf } from './break-answers.ts'
import { about, day, type ReconciliationOptions, reading } from './shared.ts'

/** Rows fetched at a time: memory stays flat however long the export is. */
const pageSize = 1_000

const format = z.enum(['csv', 'xlsx'])
const anyFile = z.unknown().meta({ description: 'The file' })

type BreakRow = {
  id: bigint
  class: string
  status: string
  railAccountId: string
  amount: bigint
  statementAmount: string
  paymentAmount: bigint
  items: number
  invoiceId: string | null
  owner: string | null
  openedOn: string
  closedOn: string | null
  agedFrom: string
}
const breakTable: readonly ExportColumn[] = [
  { heading: 'Mã chênh lệch', width: 32 },
  { heading: 'Loại', width: 22 },
  { heading: 'Ý nghĩa', width: 48 },
  { heading: 'Trạng thái' },
  { heading: 'Tài khoản kênh', width: 24 },
  { heading: 'Số tiền (VND)' },
  { heading: 'Sao kê' },
  { heading: 'Giao dịch' },
  { heading: 'Số khoản' },
  { heading: 'Khoản thu', width: 32 },
  { heading: 'Người phụ trách', width: 24 },
  { heading: 'Ngày mở' },
  { heading: 'Ngày đóng' },
  { heading: 'Tuổi (ngày làm việc)' },
  { heading: 'Nhóm tuổi' },
]

type MatchRow = {
  id: bigint
  group: bigint
  rule: string
  version: number
  railAccountId: string
  countedOn: string
  bookedOn: string | null
  lineAmount: string | null
  bankReference: string | null
  remittance: string | null
  settlementId: string | null
  paidAt: Date | null
  paymentAmount: bigint | null
  railTransactionId: string | null
  evidence: unknown
}
const matchTable: readonly ExportColumn[] = [
  { heading: 'Mã ghép', width: 32 },
  { heading: 'Quy tắc', width: 20 },
  { heading: 'Bộ quy tắc' },
  { heading: 'Tài khoản kênh', width: 24 },
  { heading: 'Ngày tính' },
  { heading: 'Ngày sao kê' },
  { heading: 'Số tiền sao kê' },
  { heading: 'Số bút toán', width: 24 },
  { heading: 'Nội dung', width: 60 },
  { heading: 'Mã thanh toán', width: 32 },
  { heading: 'Thời điểm nộp', width: 24 },
  { heading: 'Số tiền nộp (VND)' },
  { heading: 'Mã giao dịch kênh', width: 28 },
  { heading: 'Bằng chứng', width: 40 },
]

export function registerExportRoutes(
  server: FastifyInstance,
  { database, environment, officers }: ReconciliationOptions,
): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = officers.holding('finance.read')

  async function* breakRows(
    query: Query,
    tenantId: string,
    filter: Parameters<typeof breakConditions>[0],
  ): AsyncGenerator<ExportRow> {
    const calendar = await calendarOf(query)
    const today = businessDate(environment.now())
    const { sql, values } = breakConditions(filter, calendar, today)
    for (let after = 0n; ; ) {
      const rows = await query<BreakRow>(
        `SELECT ${breakColumns} FROM breaks b WHERE b.tenant_id = $1 AND ${sql} AND b.id > $9 ORDER BY b.id LIMIT ${pageSize}`,
        [tenantId, ...values, after],
      )
      for (const row of rows) {
        const { days, bucket } = ageOf(calendar, row.agedFrom, today)
        yield [
          sequenceId('brk', row.id),
          row.class,
          breakClass(row.class).meaningVi,
          row.status,
          row.railAccountId,
          row.amount,
          whole(row.statementAmount),
          row.paymentAmount,
          row.items,
          row.invoiceId,
          row.owner,
          row.openedOn,
          row.closedOn,
          days,
          bucket,
        ]
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < pageSize) return
      after = last.id
    }
  }

  async function* matchRows(query: Query, tenantId: string, from: string, to: string): AsyncGenerator<ExportRow> {
    for (let after = 0n; ; ) {
      const rows = await query<MatchRow>(
        `SELECT i.id, coalesce(i.group_id, i.id) AS "group", i.rule, i.rule_set_version AS version, i.rail_account_id AS "railAccountId", i.counted_on AS "countedOn",
                l.booked_on AS "bookedOn", (CASE l.direction WHEN 'CREDIT' THEN l.amount ELSE -l.amount END)::text AS "lineAmount",
                l.bank_reference AS "bankReference", l.remittance, i.settlement_id AS "settlementId", s.paid_at AS "paidAt", s.amount AS "paymentAmount",
                s.rail_transaction_id AS "railTransactionId", i.evidence
           FROM reconciliation_items i LEFT JOIN statement_lines l ON l.id = i.line_id LEFT JOIN settlements s ON s.id = i.settlement_id
          WHERE i.tenant_id = $1 AND i.rule IS NOT NULL AND i.ended_on IS NULL AND i.counted_on BETWEEN $2 AND $3 AND i.id > $4
          ORDER BY i.id LIMIT ${pageSize}`,
        [tenantId, from, to, after],
      )
      for (const row of rows)
        yield [
          sequenceId('mat', row.group),
          row.rule,
          row.version,
          row.railAccountId,
          row.countedOn,
          row.bookedOn,
          row.lineAmount === null ? null : whole(row.lineAmount),
          row.bankReference,
          row.remittance,
          row.settlementId,
          row.paidAt?.toISOString() ?? null,
          row.paymentAmount,
          row.railTransactionId,
          JSON.stringify(row.evidence ?? {}),
        ]
      const last = rows.at(-1)
      if (last === undefined || rows.length < pageSize) return
      after = last.id
    }
  }

  routes.get(
    '/v1/finance/exports/breaks',
    {
      onRequest,
      schema: {
        ...about('Breaks as CSV or XLSX'),
        querystring: z.strictObject({ ...breakFilter, format: format.default('csv') }),
        response: { 200: anyFile, ...reading },
      },
    },
    async (request, reply) => {
      const { tenantId } = officers.of(request)
      const { format: wanted, ...filter } = request.query
      const { query } = database.forTenant(tenantId)
      return sendFile(reply, {
        format: wanted,
        name: `chenh-lech-${businessDate(environment.now())}`,
        sheet: 'Chênh lệch',
        columns: breakTable,
        rows: breakRows(query, tenantId, filter),
        bom: true,
      })
    },
  )
  routes.get(
    '/v1/finance/exports/matches',
    {
      onRequest,
      schema: {
        ...about('Matches of some days as CSV or XLSX'),
        querystring: z.strictObject({ from: day, to: day, format: format.default('csv') }),
        response: { 200: anyFile, ...reading },
      },
    },
    async (request, reply) => {
      const { tenantId } = officers.of(request)
      const { from, to, format: wanted } = request.query
      return sendFile(reply, {
        format: wanted,
        name: `da-ghep-${from}-${to}`,
        sheet: 'Đã ghép',
        columns: matchTable,
        rows: matchRows(database.forTenant(tenantId).query, tenantId, from, to),
        bom: true,
      })
    },
  )
  routes.get(
    '/v1/finance/exports/statements/:id',
    {
      onRequest,
      schema: {
        ...about('A statement in the words of camt.053, as JSON, each entry with what explains it'),
        params: z.object({ id: z.string().regex(/^fil_[0-9a-z]{26}$/) }),
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
          after: z.coerce.number().int().min(0).default(0),
        }),
        response: {
          200: z.looseObject({ Stmt: z.array(z.looseObject({ Id: z.string() })) }).meta({ id: 'StatementDocument' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, after } = request.query
      return await statementDocument(database.forTenant(tenantId).query, tenantId, request.params.id, limit, after)
    },
  )
}

/** Names of ISO 20022 (statements.md §2); `Xpln` is ours. */
async function statementDocument(
  query: Query,
  tenantId: string,
  fileId: string,
  limit: number,
  after: number,
): Promise<{ Stmt: { Id: string }[] }> {
  const statements = await query<{
    id: bigint
    Id: string
    account: string
    currency: string | null
    from: string | null
    to: string | null
    opening: string | null
    closing: string | null
  }>(
    `SELECT id, coalesce(statement_ref, id::text) AS "Id", account, currency, period_from AS "from", period_to AS "to", opening::text, closing::text
       FROM statements WHERE file_id = $1 AND tenant_id = $2 ORDER BY ordinal`,
    [fileId, tenantId],
  )
  if (statements.length === 0) throw new Problem('NOT_FOUND')
  const lines = await query<{
    statement: bigint
    direction: string
    amount: string
    currency: string | null
    reversal: boolean
    status: string
    booked: string
    value: string | null
    reference: string | null
    remittance: string
    rule: string | null
    match: bigint | null
    break: bigint | null
  }>(
    `SELECT l.statement_id AS statement, l.direction, l.amount::text AS amount, l.currency, l.reversal, l.status, l.booked_on AS booked, l.value_on AS value,
            l.bank_reference AS reference, l.remittance, i.rule, CASE WHEN i.rule IS NOT NULL THEN coalesce(i.group_id, i.id) END AS match, i.break_id AS break
       FROM statement_lines l LEFT JOIN reconciliation_items i ON i.line_id = l.id AND i.ended_on IS NULL
      WHERE l.statement_id = ANY($1) AND l.withdrawn_at IS NULL ORDER BY l.id OFFSET $2 LIMIT $3`,
    [statements.map(({ id }) => id), after, limit],
  )
  const amount = (text: string, currency: string | null) => ({
    Amt: text.replace('-', ''),
    Ccy: currency ?? 'VND',
    CdtDbtInd: text.startsWith('-') ? 'DBIT' : 'CRDT',
  })
  return {
    Stmt: statements.map((statement) => ({
      Id: statement.Id,
      Acct: { Id: { Othr: { Id: statement.account } }, Ccy: statement.currency ?? 'VND' },
      FrToDt: { FrDt: statement.from, ToDt: statement.to },
      Bal: [
        ...(statement.opening === null ? [] : [{ Tp: 'OPBD', ...amount(statement.opening, statement.currency) }]),
        ...(statement.closing === null ? [] : [{ Tp: 'CLBD', ...amount(statement.closing, statement.currency) }]),
      ],
      Ntry: lines
        .filter((line) => line.statement === statement.id)
        .map((line) => ({
          Amt: line.amount,
          Ccy: line.currency ?? statement.currency ?? 'VND',
          CdtDbtInd: line.direction === 'CREDIT' ? 'CRDT' : 'DBIT',
          RvslInd: line.reversal,
          Sts: line.status,
          BookgDt: line.booked,
          ValDt: line.value,
          AcctSvcrRef: line.reference,
          RmtInf: { Ustrd: [line.remittance] },
          Xpln:
            line.match !== null
              ? { match: sequenceId('mat', line.match), rule: line.rule }
              : line.break !== null
                ? { break: sequenceId('brk', line.break) }
                : null,
        })),
    })),
  }
}

/** Whole amounts are numbers in the file, others stay text. */
function whole(text: string): bigint | string {
  const plain = text.replace(/\.0+$/, '')
  return /^-?\d{1,15}$/.test(plain) ? BigInt(plain) : text
}
