/** The routing section of a directory file: what it must agree with, and how its entries follow one another in the table. */
import { conflictsIn } from '../domain/routing/rules.ts'
import { calendarSchema, closureSchema, type RoutingSection, ruleSchema } from '../rails/rulebook-schema.ts'
import type { Transaction } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'

export type RoutingChanges = {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly withdrawn: readonly string[]
}

type Entry = { readonly kind: 'RULE' | 'CALENDAR' | 'CLOSURE'; readonly id: string; readonly body: object }

/** Faults of a section by itself and against the tenant's accounts and agencies; empty when it may be loaded. */
export async function faultsOfRouting(tx: Transaction, tenantId: string, section: RoutingSection): Promise<string[]> {
  const { rules, calendars, closures } = section
  const known = async (table: 'rail_accounts' | 'agencies', column: 'id' | 'code'): Promise<Set<string>> =>
    new Set(
      (await tx.query<{ name: string }>(`SELECT ${column} AS name FROM ${table} WHERE tenant_id = $1`, [tenantId])).map(
        ({ name }) => name,
      ),
    )
  const railAccountIds = await known('rail_accounts', 'id')
  const agencyCodes = await known('agencies', 'code')
  const calendarIds = new Set(calendars.map(({ id }) => id))
  const missing = (place: string, wanted: readonly string[], there: ReadonlySet<string>, what: string): string[] =>
    wanted.filter((name) => !there.has(name)).map((name) => `${place}: there is no ${what} ${name}`)
  return [
    ...[rules, calendars, closures].flatMap((entries) =>
      repeated(entries.map(({ id }) => id)).map((id) => `routing: ${id} stands there twice`),
    ),
    ...rules.flatMap(({ id, set, ...rule }) => [
      ...missing(`routing.rules ${id}`, rule.railAccountIds, railAccountIds, 'rail account'),
      ...missing(`routing.rules ${id}`, rule.agencyCodes, agencyCodes, 'agency'),
      ...missing(`routing.rules ${id}`, [set.calendarId ?? []].flat(), calendarIds, 'calendar'),
    ]),
    ...closures.flatMap((closure) =>
      missing(`routing.closures ${closure.id}`, closure.railAccountIds, railAccountIds, 'rail account'),
    ),
    ...conflictsIn(rules.map((rule) => ({ ...rule, version: 1 }))).map(
      ({ first, second, setting }) =>
        `routing.rules ${first} and ${second} both set ${setting} for the same accounts, demands and days: narrow one of them`,
    ),
  ]
}

/** Makes the section the whole of the tenant's routing: what is new or differs gets a version, what is gone is withdrawn. */
export async function storeRouting(
  tx: Transaction,
  tenantId: string,
  section: RoutingSection,
  { now, actor }: { readonly now: Date; readonly actor: string },
): Promise<RoutingChanges> {
  const entries: Entry[] = [
    ...section.rules.map((body): Entry => ({ kind: 'RULE', id: body.id, body })),
    ...section.calendars.map((body): Entry => ({ kind: 'CALENDAR', id: body.id, body })),
    ...section.closures.map((body): Entry => ({ kind: 'CLOSURE', id: body.id, body })),
  ]
  const rows = await tx.query<{ kind: Entry['kind']; id: string; version: number; body: unknown; current: boolean }>(
    `SELECT DISTINCT ON (kind, id) kind, id, version, body, withdrawn_at IS NULL AS current
       FROM routing_entries WHERE tenant_id = $1 ORDER BY kind, id, version DESC`,
    [tenantId],
  )
  const last = new Map(rows.map((row) => [`${row.kind} ${row.id}`, row]))
  const changed = entries.filter((entry) => {
    const row = last.get(`${entry.kind} ${entry.id}`)
    return row?.current !== true || textOf(entry.body) !== storedText(row)
  })
  const wanted = new Set(entries.map(({ kind, id }) => `${kind} ${id}`))
  const gone = rows.filter(({ kind, id, current }) => current && !wanted.has(`${kind} ${id}`))
  const over = [...changed, ...gone]
  await tx.query(
    `UPDATE routing_entries e SET withdrawn_at = $2
       FROM unnest($3::text[], $4::text[]) AS w(kind, id)
      WHERE e.tenant_id = $1 AND e.kind = w.kind AND e.id = w.id AND e.withdrawn_at IS NULL`,
    [tenantId, now, over.map(({ kind }) => kind), over.map(({ id }) => id)],
  )
  await insertAll(
    tx,
    'routing_entries',
    changed.map(({ kind, id, body }) => ({
      tenant_id: tenantId,
      kind,
      id,
      version: (last.get(`${kind} ${id}`)?.version ?? 0) + 1,
      body: plain(body),
      loaded_by: actor,
      loaded_at: now,
    })),
  )
  const wasCurrent = ({ kind, id }: Entry): boolean => last.get(`${kind} ${id}`)?.current === true
  return {
    added: changed.filter((entry) => !wasCurrent(entry)).map(({ id }) => id),
    changed: changed.filter(wasCurrent).map(({ id }) => id),
    withdrawn: gone.map(({ id }) => id),
  }
}

/** As a file holds it: amounts are JSON integers, far below what they hold exactly (`maxVnd`). */
function plain(body: object): object {
  return JSON.parse(textOf(body)) as object
}

/** The schema fixes the order of names, so equal entries have equal texts. */
function textOf(body: object): string {
  return JSON.stringify(body, (_name, value: unknown) => (typeof value === 'bigint' ? Number(value) : value))
}

const schemas = { RULE: ruleSchema, CALENDAR: calendarSchema, CLOSURE: closureSchema }

/** Null when what is stored no longer fits: it is replaced then. */
function storedText({ kind, body }: { readonly kind: Entry['kind']; readonly body: unknown }): string | null {
  const parsed = schemas[kind].safeParse(body)
  return parsed.success ? textOf(parsed.data) : null
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
