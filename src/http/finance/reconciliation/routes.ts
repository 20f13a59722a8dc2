/** Everything finance officers do with statements, under /v1/finance (docs/reconciliation.md). */
import type { FastifyInstance } from 'fastify'
import { registerBreakActionRoutes } from './break-actions.ts'
import { registerBreakRoutes } from './breaks.ts'
import { registerCashRoutes } from './cash.ts'
import { registerDayRoutes } from './days.ts'
import { registerExportRoutes } from './exports.ts'
import { registerFetchRoutes } from './fetches.ts'
import { registerFileRoutes } from './files.ts'
import { registerRunRoutes } from './runs.ts'
import { registerSettlementAnswerRoutes } from './settlement-answers.ts'
import type { ReconciliationOptions } from './shared.ts'

export function registerReconciliationRoutes(server: FastifyInstance, options: ReconciliationOptions): void {
  registerFileRoutes(server, options)
  registerFetchRoutes(server, options)
  registerRunRoutes(server, options)
  registerBreakRoutes(server, options)
  registerBreakActionRoutes(server, options)
  registerCashRoutes(server, options)
  registerDayRoutes(server, options)
  registerExportRoutes(server, options)
  registerSettlementAnswerRoutes(server, options)
}
