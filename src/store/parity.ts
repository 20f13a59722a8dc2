/** How far the sweeper has come, and what it has found. */
import { type ParityCode, type ParityScope, parityScopes } from '../domain/parity.ts'
import type { Query } from './database.ts'
import type { Discrepancy } from './parity-checks.ts'
import { insertAll, rowsToJson } from './rows.ts'

type Source = { readonly query: Query }

export type PassKind = 'RECENT' | 'FULL'

export type Pass = {
  readonly scope: ParityScope
  readonly kind: PassKind
  readonly afterAt: Date
  readonly afterId: string
  /** Also what proves that the round is still ours. */
  readonly leaseUntil: Date
}

/** Passes that are not there yet begin: recent ones at `from`, full ones with the first row. */
export async function beginPasses(source: Source, from: Date, firstIdSince: (prefix: string) => string): Promise<void> {
  const scopes = Object.entries(parityScopes)
  const rows = scopes.flatMap(([scope, { changing, idPrefix }]) => [
    { scope, kind: 'RECENT', after_at: from, after_id: changing ? '' : firstIdSince(idPrefix) },
    { scope, kind: 'FULL', after_at: from, after_id: '' },
  ])
  await insertAll(
    source,
    'parity_passes',
    rows.map((row) => ({ ...row, due_at: from, lease_until: from })),
    'ON CONFLICT DO NOTHING',
  )
}

/** The pass that has waited longest, for this replica alone until the lease ends; null when none is due. */
export async function claimPass(source: Source, now: Date, leaseUntil: Date): Promise<Pass | null> {
  const [row] = await source.query<Pass>(
    `UPDATE parity_passes SET lease_until = $2 WHERE (scope, kind) IN (
       SELECT scope, kind FROM parity_passes WHERE due_at <= $1 AND lease_until <= $1 ORDER BY due_at, scope, kind LIMIT 1 FOR UPDATE SKIP LOCKED)
     RETURNING scope, kind, after_at AS "afterAt", after_id AS "afterId", lease_until AS "leaseUntil"`,
    [now, leaseUntil],
  )
  return row ?? null
}

export type Place = { readonly at: Date; readonly id: string }

/** The next rows of a pass, at most `limit`, none younger than `until`: what is being committed now has its turn later. */
export async function nextRows(
  source: Source,
  pass: Pass,
  { until, untilId, limit }: { readonly until: Date; readonly untilId: string; readonly limit: number },
): Promise<Place[]> {
  const { scope, kind, afterAt, afterId } = pass
  // Ids sort by the time at which they were made, so what never changes needs no other order.
  return kind === 'RECENT' && parityScopes[scope].changing
    ? await source.query<Place>(
        `SELECT id, updated_at AS at FROM ${scope} WHERE (updated_at, id) > ($1, $2) AND updated_at < $3 ORDER BY updated_at, id LIMIT $4`,
        [afterAt, afterId, until, limit],
      )
    : await source.query<Place>(
        `SELECT id, $4::timestamptz AS at FROM ${scope} WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3`,
        [afterId, untilId, limit, afterAt],
      )
}

/** Ends a round. False when the lease had ended before and the round was somebody else's: they do it again. */
export async function endRound(
  source: Source,
  pass: Pass,
  next: { readonly place: Place; readonly dueAt: Date; readonly finishedAt: Date | null },
): Promise<boolean> {
  const rows = await source.query(
    `UPDATE parity_passes SET after_at = $4, after_id = $5, due_at = $6, finished_at = coalesce($7, finished_at), lease_until = '-infinity'
      WHERE scope = $1 AND kind = $2 AND lease_until = $3 RETURNING scope`,
    [pass.scope, pass.kind, pass.leaseUntil, next.place.at, next.place.id, next.dueAt, next.finishedAt],
  )
  return rows.length > 0
}

export type Finding = Discrepancy & { readonly id: string; readonly code: ParityCode }

/** Writes findings down; those that are open already stay as they are. Returns the ids of the new ones. */
export async function openFindings(source: Source, findings: readonly Finding[], now: Date): Promise<string[]> {
  return await insertAll(
    source,
    'parity_findings',
    findings.map(({ id, code, subject, tenantId, invoiceId, detail }) => ({
      id,
      tenant_id: tenantId,
      code,
      subject,
      invoice_id: invoiceId,
      detail,
      found_at: now,
      checked_at: now,
    })),
    'ON CONFLICT (code, subject) WHERE resolved_at IS NULL DO NOTHING RETURNING id',
  )
}

/** A finding that is over when it is written down, or that was open before: both end as repaired. */
export async function closeRepaired(source: Source, finding: Finding, now: Date): Promise<void> {
  await openFindings(source, [finding], now)
  await source.query(
    `UPDATE parity_findings SET resolved_at = $3, resolution = 'REPAIRED', checked_at = $3 WHERE code = $1 AND subject = $2 AND resolved_at IS NULL`,
    [finding.code, finding.subject, now],
  )
}

/** Open findings that were not looked at for longest. */
export async function findingsToCheck(
  source: Source,
  before: Date,
  limit: number,
): Promise<{ id: string; code: ParityCode; subject: string }[]> {
  return await source.query(
    'SELECT id, code, subject FROM parity_findings WHERE resolved_at IS NULL AND checked_at <= $1 ORDER BY checked_at, id LIMIT $2',
    [before, limit],
  )
}

export async function markChecked(
  source: Source,
  checked: readonly { readonly id: string; readonly gone: boolean }[],
  now: Date,
): Promise<void> {
  await source.query(
    `UPDATE parity_findings f SET checked_at = $2, resolved_at = CASE WHEN n.gone THEN $2::timestamptz END, resolution = CASE WHEN n.gone THEN 'GONE' END
       FROM json_to_recordset($1::json) AS n(id text, gone boolean) WHERE f.id = n.id AND f.resolved_at IS NULL`,
    [rowsToJson(checked), now],
  )
}

export async function countOpenFindings(source: Source): Promise<Map<string, number>> {
  const rows = await source.query<{ code: string; count: bigint }>(
    'SELECT code, count(*) FROM parity_findings WHERE resolved_at IS NULL GROUP BY code',
    [],
  )
  return new Map(rows.map(({ code, count }) => [code, Number(count)]))
}

export type FindingRow = {
  readonly id: string
  readonly code: ParityCode
  readonly subject: string
  readonly invoiceId: string | null
  readonly detail: string
  readonly foundAt: Date
  readonly checkedAt: Date
  readonly resolvedAt: Date | null
  readonly resolution: 'REPAIRED' | 'GONE' | null
}

export async function listFindings(
  source: Source,
  tenantId: string,
  filter: { readonly state: 'OPEN' | 'RESOLVED' | null; readonly code: string | null; readonly after: string | null },
  limit: number,
): Promise<FindingRow[]> {
  return await source.query<FindingRow>(
    `SELECT id, code, subject, invoice_id AS "invoiceId", detail, found_at AS "foundAt", checked_at AS "checkedAt", resolved_at AS "resolvedAt", resolution
       FROM parity_findings
      WHERE tenant_id = $1 AND ($2::text IS NULL OR (resolved_at IS NULL) = ($2 = 'OPEN')) AND ($3::text IS NULL OR code = $3)
        AND ($4::text IS NULL OR id > $4) ORDER BY id LIMIT $5`,
    [tenantId, filter.state, filter.code, filter.after, limit],
  )
}
