/** Breaks to look at: what kinds there are, lists, one with all about it. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { sequenceId } from '../../../domain/ids.ts'
import { breakClasses } from '../../../domain/reconciliation/breaks.ts'
import { businessDate } from '../../../domain/vietnam-time.ts'
import {
  type BreakRow,
  breakColumns,
  breakConditions,
  breakDetail,
  breakFilter,
  breakSummary,
  calendarOf,
  readBreak,
  shownBreak,
} from './break-answers.ts'
import { about, cursorOf, numbered, numberOf, paged, pageQuery, type ReconciliationOptions, reading } from './shared.ts'

export function registerBreakRoutes(
  server: FastifyInstance,
  { database, environment, officers }: ReconciliationOptions,
): void {
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = officers.holding('finance.read')
  const params = z.object({ id: numbered('brk') })

  routes.get(
    '/v1/finance/break-classes',
    {
      onRequest,
      schema: {
        ...about('What breaks there are, what each means and what may be done'),
        response: {
          200: z
            .object({
              classes: z.array(
                z.object({
                  code: z.string(),
                  meaning: z.object({ vi: z.string(), en: z.string() }),
                  action: z.object({ vi: z.string(), en: z.string() }),
                  owner: z.string(),
                  clearsItself: z.boolean(),
                  actions: z.array(z.string()),
                }),
              ),
            })
            .meta({ id: 'BreakClasses' }),
          ...reading,
        },
      },
    },
    async () => ({
      classes: breakClasses.map(({ code, meaningVi, meaningEn, actionVi, actionEn, owner, clearsItself, actions }) => ({
        code,
        meaning: { vi: meaningVi, en: meaningEn },
        action: { vi: actionVi, en: actionEn },
        owner,
        clearsItself,
        actions: [...actions],
      })),
    }),
  )
  routes.get(
    '/v1/finance/breaks',
    {
      onRequest,
      schema: {
        ...about('Breaks, newest first'),
        querystring: z.strictObject({ ...pageQuery, ...breakFilter }),
        response: {
          200: z
            .object({ breaks: z.array(breakSummary), nextCursor: z.string().nullable() })
            .meta({ id: 'ReconciliationBreaks' }),
          ...reading,
        },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      const { limit, cursor, ...filter } = request.query
      const tenant = database.forTenant(tenantId)
      const calendar = await calendarOf(tenant.query)
      const today = businessDate(environment.now())
      const { sql, values } = breakConditions(filter, calendar, today)
      const rows = await tenant.query<BreakRow>(
        `SELECT ${breakColumns} FROM breaks b WHERE b.tenant_id = $1 AND ${sql} AND ($9::bigint IS NULL OR b.id < $9) ORDER BY b.id DESC LIMIT $10`,
        [tenantId, ...values, cursorOf('brk', cursor), limit + 1],
      )
      const { page, nextCursor } = paged(rows, limit, ({ id }) => sequenceId('brk', id))
      return { breaks: page.map((row) => shownBreak(row, calendar, today)), nextCursor }
    },
  )
  routes.get(
    '/v1/finance/breaks/:id',
    {
      onRequest,
      schema: {
        ...about('One break with its items, resolutions and history'),
        params,
        response: { 200: breakDetail, ...reading },
      },
    },
    async (request) => {
      const { tenantId } = officers.of(request)
      return await readBreak(
        database.forTenant(tenantId).query,
        tenantId,
        numberOf('brk', request.params.id),
        businessDate(environment.now()),
      )
    },
  )
}
