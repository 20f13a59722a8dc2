import type { Rulebook } from '../domain/routing/checks.ts'
import { emptyRulebook } from '../domain/routing/checks.ts'
import type { Environment } from '../environment.ts'
import type { Database } from '../store/database.ts'
import { calendarSchema, closureSchema, ruleSchema } from './rulebook-schema.ts'

export type Rulebooks = {
  /** The rules of a tenant as they are now. */
  of(tenantId: string): Promise<Rulebook>
  /** Reads anew at the next use. */
  forget(): void
}

const maxAgeMs = 5_000

/**
 * The routing rules of all tenants in memory, as rail accounts are: read anew when told of a change (on the same channel), and
 * at the latest after five seconds. An entry that no longer fits its schema is left out and told of.
 */
export function createRulebooks(
  database: Database,
  environment: Environment,
  onInvalid: (entry: string, error: unknown) => void,
): Rulebooks {
  let cached: { books: Map<string, Rulebook>; readAt: number } | null = null
  let reading: Promise<Map<string, Rulebook>> | null = null

  async function read(): Promise<Map<string, Rulebook>> {
    const rows = await database.query<{ tenant_id: string; kind: string; id: string; version: number; body: unknown }>(
      'SELECT tenant_id, kind, id, version, body FROM routing_entries WHERE withdrawn_at IS NULL ORDER BY kind, id',
      [],
    )
    const books = new Map<string, Rulebook>()
    for (const [tenantId, entries] of Map.groupBy(rows, (row) => row.tenant_id)) {
      const read = <Entry>(kind: string, parse: (body: unknown) => Entry): (Entry & { version: number })[] =>
        entries.flatMap((row) => {
          if (row.kind !== kind) return []
          try {
            return [{ ...parse(row.body), version: row.version }]
          } catch (error) {
            onInvalid(`${tenantId} ${kind} ${row.id}`, error)
            return []
          }
        })
      books.set(tenantId, {
        rules: read('RULE', (body) => ruleSchema.parse(body)),
        calendars: read('CALENDAR', (body) => calendarSchema.parse(body)),
        closures: read('CLOSURE', (body) => {
          const closure = closureSchema.parse(body)
          return { ...closure, from: new Date(closure.from), to: new Date(closure.to) }
        }),
      })
    }
    cached = { books, readAt: environment.now().getTime() }
    return books
  }

  async function all(): Promise<Map<string, Rulebook>> {
    if (cached !== null && environment.now().getTime() - cached.readAt < maxAgeMs) return cached.books
    reading ??= read().finally(() => {
      reading = null
    })
    return await reading
  }

  return {
    async of(tenantId) {
      return (await all()).get(tenantId) ?? emptyRulebook
    },
    forget() {
      cached = null
    },
  }
}
