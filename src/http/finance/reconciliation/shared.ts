/** What the finance routes of reconciliation have in common: access, pages, ids, amounts. */

import type { Logger } from 'pino'
import { z } from 'zod'
import { type SequencePrefix, sequenceNumber } from '../../../domain/ids.ts'
import type { Environment } from '../../../environment.ts'
import type { Idempotency } from '../../../idempotency/idempotency.ts'
import { Problem } from '../../../problem/problem.ts'
import type { Desk } from '../../../reconciliation/desk.ts'
import type { Vault } from '../../../secrets/vault.ts'
import type { Settler } from '../../../settlement/group.ts'
import type { Database } from '../../../store/database.ts'
import type { OfficerGuard } from '../../auth/officer-guard.ts'
import { problemSchema } from '../../portal/schemas.ts'

export type ReconciliationOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly idempotency: Idempotency
  readonly officers: OfficerGuard
  readonly settler: Settler
  readonly desk: Desk
  readonly log: Logger
  readonly vault: Vault
}

export const about = (summary: string) => ({ tags: ['Reconciliation'], summary, security: [{ officer: [] }] })
export const reading = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  503: problemSchema,
}
export const acting = { ...reading, 409: problemSchema, 422: problemSchema }

export const numbered = (prefix: SequencePrefix) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{26}$`))
    .meta({ examples: [`${prefix}_00000000000000000000000001`] })
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(40).optional(),
}
export const day = z.iso.date().meta({ description: 'Local day' })
/** Statements may be in any currency and have decimals; payments are whole VND. */
export const decimal = z.string().meta({ description: 'Decimal, below zero for a debit', examples: ['58000'] })
export const vnd = z.number().int().meta({ description: 'Whole VND' })
export const time = z.string().meta({ format: 'date-time' })

export function numberOf(prefix: SequencePrefix, id: string): bigint {
  const number = sequenceNumber(prefix, id)
  if (number === null) throw new Problem('NOT_FOUND')
  return number
}

/** The number a list goes on from; a cursor of another list is refused. */
export function cursorOf(prefix: SequencePrefix, cursor: string | undefined): bigint | null {
  if (cursor === undefined) return null
  const number = sequenceNumber(prefix, cursor)
  if (number === null)
    throw new Problem('INVALID_REQUEST', {
      errors: [
        {
          field: 'cursor',
          code: 'cursor',
          en: 'not a cursor of this list',
          vi: 'không phải con trỏ của danh sách này',
        },
      ],
    })
  return number
}

export function paged<Row>(
  rows: readonly Row[],
  limit: number,
  cursor: (row: Row) => string,
): { page: readonly Row[]; nextCursor: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { page, nextCursor: rows.length > limit && last !== undefined ? cursor(last) : null }
}
