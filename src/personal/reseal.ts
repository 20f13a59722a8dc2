/** Brings every row under the key that seals: rows under an older key, and persons an earlier version wrote plain into invoices. */
import { type PersonalField, personalClasses, searchedFields } from '../domain/retention.ts'
import type { Environment } from '../environment.ts'
import type { Database } from '../store/database.ts'
import { type FieldCipher, nonceBytes } from './field-cipher.ts'
import { keepPersons, type PersonFields } from './keep.ts'

export type ResealOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly cipher: FieldCipher
}

const atOnce = 200
/** Passes over the table: rows that somebody holds are skipped and come back to. */
const mostPasses = 20

/** Seals and hashes anew what stands under another key, a few rows at a time beside the traffic. */
export async function resealPersons(options: ResealOptions): Promise<{ rows: number; left: number }> {
  let rows = 0
  for (let pass = 1; ; pass++) {
    rows += await resealPass(options)
    const left = (await personalKeyUse(options.database)).filter(({ keyId }) => keyId !== options.cipher.keyIds()[0])
    const count = left.reduce((sum, one) => sum + one.rows, 0)
    if (count === 0 || pass === mostPasses) return { rows, left: count }
    await options.environment.sleep(100)
  }
}

/** How many rows stand under each key. */
export async function personalKeyUse(database: Database): Promise<{ keyId: string; rows: number }[]> {
  return await database.query(
    'SELECT key_id AS "keyId", count(*)::int AS rows FROM personal_data WHERE erased_at IS NULL GROUP BY key_id ORDER BY key_id',
    [],
  )
}

async function resealPass({ database, environment, cipher }: ResealOptions): Promise<number> {
  let rows = 0
  for (let after = ['', '', '']; ; ) {
    const found = await database.transaction(async (tx) => {
      const some = await tx.query<{
        tenantId: string
        invoiceId: string
        role: string
        class: string
        keyId: string
        sealed: Buffer
      }>(
        `SELECT tenant_id AS "tenantId", invoice_id AS "invoiceId", role, class, key_id AS "keyId", sealed FROM personal_data
          WHERE erased_at IS NULL AND key_id <> $1 AND (invoice_id, role, class) > ($2, $3, $4)
          ORDER BY invoice_id, role, class LIMIT ${atOnce} FOR NO KEY UPDATE SKIP LOCKED`,
        [cipher.keyIds()[0], ...after],
      )
      for (const row of some) {
        const binding = [row.tenantId, row.invoiceId, row.role, row.class] as const
        const plain = await cipher.open(row.keyId, binding, row.sealed)
        const fresh = await cipher.seal(environment.random(nonceBytes), binding, plain)
        const hashes = Object.entries(JSON.parse(plain) as Record<string, string>)
          .filter(([field]) => searchedFields.has(field as PersonalField))
          .map(([, value]) => cipher.searchHash(row.tenantId, value))
        await tx.query(
          'UPDATE personal_data SET key_id = $4, sealed = $5, hashes = $6 WHERE (invoice_id, role, class) = ($1, $2, $3)',
          [row.invoiceId, row.role, row.class, fresh.keyId, fresh.sealed, hashes],
        )
      }
      return some
    })
    const last = found.at(-1)
    if (last === undefined) return rows
    rows += found.length
    after = [last.invoiceId, last.role, last.class]
  }
}

const place = 'PLAIN_PARTIES'
/** The last invoice there was when migration 0018 ran. */
const end = 'PLAIN_PARTIES_END'
const personalFields = Object.values(personalClasses).flatMap(({ fields }): readonly PersonalField[] => fields)

/**
 * One round over invoices of earlier versions, whose persons stood in `parties` with all that was told: fields go to `personal_data`,
 * names stay. Ids sort by time and the place is kept, so it ends. Returns how many invoices it looked at.
 */
export async function sealPlainParties({ database, environment, cipher }: ResealOptions): Promise<number> {
  return await database.transaction(async (tx) => {
    const invoices = await tx.query<{
      id: string
      tenantId: string
      issuedAt: Date
      parties: Record<string, Record<string, unknown>>
    }>(
      `SELECT id, tenant_id AS "tenantId", issued_at AS "issuedAt", parties FROM invoices
        WHERE id > coalesce((SELECT up_to FROM retention_places WHERE kind = $1), '') AND id <= (SELECT up_to FROM retention_places WHERE kind = $2)
        ORDER BY id LIMIT ${atOnce}`,
      [place, end],
    )
    const plain = invoices.filter(({ parties }) =>
      Object.values(parties).some((person) => personalFields.some((field) => field in person)),
    )
    if (plain.length > 0) {
      await tx.query('SELECT id FROM invoices WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE', [
        plain.map(({ id }) => id),
      ])
      await keepPersons(
        tx,
        { environment, cipher },
        plain.map(({ id, tenantId, issuedAt, parties }) => ({
          tenantId,
          invoiceId: id,
          at: issuedAt,
          persons: Object.fromEntries(Object.entries(parties).map(([role, person]) => [role, fieldsOf(person)])),
        })),
      )
      for (const { id, parties } of plain)
        await tx.query('UPDATE invoices SET parties = $2 WHERE id = $1', [
          id,
          JSON.stringify(Object.fromEntries(Object.entries(parties).map(([role, { name }]) => [role, { name }]))),
        ])
    }
    const last = invoices.at(-1)
    if (last !== undefined)
      await tx.query(
        'INSERT INTO retention_places (kind, up_to) VALUES ($1, $2) ON CONFLICT (kind) DO UPDATE SET up_to = greatest(retention_places.up_to, excluded.up_to)',
        [place, last.id],
      )
    return invoices.length
  })
}

function fieldsOf(person: Readonly<Record<string, unknown>>): PersonFields {
  return Object.fromEntries(
    personalFields.flatMap((field) => (typeof person[field] === 'string' ? [[field, person[field]]] : [])),
  )
}
