/** What is known of the persons of an invoice: written sealed, found by number, opened with a trace, erased on its day. */
import {
  keepUntil,
  type PersonalClass,
  type PersonalField,
  personalClasses,
  searchedFields,
} from '../domain/retention.ts'
import type { Environment } from '../environment.ts'
import type { Database, Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll, type Row } from '../store/rows.ts'
import { type FieldCipher, nonceBytes } from './field-cipher.ts'

export type PersonFields = Readonly<Partial<Record<PersonalField, string | undefined>>>
export type PersonsOfInvoice = {
  readonly tenantId: string
  readonly invoiceId: string
  readonly persons: Readonly<Record<string, PersonFields>>
}

/** Seals the fields of each person, a row per class; a class without a field has none. `at`: when they were told to us. */
export async function keepPersons(
  tx: Transaction,
  { environment, cipher }: { readonly environment: Environment; readonly cipher: FieldCipher },
  invoices: readonly (PersonsOfInvoice & { readonly at?: Date })[],
): Promise<void> {
  const now = environment.now()
  const rows: Row[] = []
  for (const { tenantId, invoiceId, persons, at = now } of invoices)
    for (const [role, person] of Object.entries(persons))
      for (const [kind, { fields }] of classes) {
        const held = fields.flatMap((field): [PersonalField, string][] =>
          person[field] === undefined ? [] : [[field, person[field]]],
        )
        if (held.length === 0) continue
        const plain = JSON.stringify(Object.fromEntries(held))
        const nonce = environment.random(nonceBytes)
        const { keyId, sealed } = await cipher.seal(nonce, [tenantId, invoiceId, role, kind], plain)
        const found = held.filter(([field]) => searchedFields.has(field))
        rows.push({
          invoice_id: invoiceId,
          role,
          class: kind,
          tenant_id: tenantId,
          key_id: keyId,
          sealed,
          hashes: found.map(([, value]) => cipher.searchHash(tenantId, value)),
          created_at: now,
          keep_until: keepUntil(kind, at),
        })
      }
  await insertAll(tx, 'personal_data', rows, 'ON CONFLICT DO NOTHING')
}

const classes = Object.entries(personalClasses) as [PersonalClass, (typeof personalClasses)[PersonalClass]][]

export type HeldPersonal = {
  readonly tenantId: string
  readonly invoiceId: string
  readonly role: string
  readonly class: PersonalClass
  readonly fields: PersonFields
  readonly createdAt: Date
  readonly keepUntil: Date
  readonly holdReason: string | null
}

/** Rows that name this number, and what stands beside them for the same person of the same invoice. Locked. */
async function findRows(tx: Transaction, { cipher, tenantId }: Act, numbers: readonly string[]) {
  const tenants = await tenantsOf(tx, tenantId)
  const hashes = tenants.flatMap((id) => numbers.flatMap((number) => cipher.searchHashes(id, number)))
  return await tx.query<{
    tenantId: string
    invoiceId: string
    role: string
    class: PersonalClass
    keyId: string
    sealed: Buffer
    createdAt: Date
    keepUntil: Date
    holdReason: string | null
  }>(
    `SELECT p.tenant_id AS "tenantId", p.invoice_id AS "invoiceId", p.role, p.class, p.key_id AS "keyId", p.sealed, p.created_at AS "createdAt",
            p.keep_until AS "keepUntil", p.hold_reason AS "holdReason"
       FROM personal_data p
      WHERE p.erased_at IS NULL AND p.tenant_id = ANY ($2)
        AND (p.invoice_id, p.role) IN (SELECT f.invoice_id, f.role FROM personal_data f WHERE f.hashes && $1::bytea[])
      ORDER BY p.invoice_id, p.role, p.class FOR UPDATE`,
    [hashes, tenants],
  )
}

async function tenantsOf(tx: Transaction, tenantId: string | undefined): Promise<readonly string[]> {
  if (tenantId !== undefined) return [tenantId]
  return (await tx.query<{ id: string }>('SELECT id FROM tenants ORDER BY id', [])).map(({ id }) => id)
}

export type Act = {
  readonly environment: Environment
  readonly cipher: FieldCipher
  readonly actor: string
  /** Whose data is looked at; every tenant's when left out, which is for the operator alone. */
  readonly tenantId?: string
}

/** Everything sealed about one person, in clear. The search itself is in the journal with its purpose, whatever it found. */
export async function exportPersonal(
  tx: Transaction,
  act: Act,
  numbers: readonly string[],
  purpose: string,
): Promise<HeldPersonal[]> {
  const { environment, cipher, actor } = act
  const rows = await findRows(tx, act, numbers)
  await appendJournal(
    tx,
    (await tenantsOf(tx, act.tenantId)).map((tenantId) => ({
      tenantId,
      at: environment.now(),
      kind: 'personal.searched',
      subject: tenantId,
      actor,
      facts: { purpose, found: rows.filter((row) => row.tenantId === tenantId).length },
    })),
  )
  await note(tx, environment, actor, 'personal.read', rows, { purpose })
  return await Promise.all(
    rows.map(async ({ keyId, sealed, ...row }) => {
      const plain = await cipher.open(keyId, [row.tenantId, row.invoiceId, row.role, row.class], sealed)
      return { ...row, fields: JSON.parse(plain) as PersonFields }
    }),
  )
}

/** Erases one person's sealed data on request. What is under a legal hold stays, and is counted. */
export async function erasePersonal(
  tx: Transaction,
  act: Act,
  numbers: readonly string[],
): Promise<{ erased: number; held: number }> {
  const rows = await findRows(tx, act, numbers)
  const free = rows.filter(({ holdReason }) => holdReason === null)
  await erase(tx, act.environment, act.actor, free, 'REQUEST')
  return { erased: free.length, held: rows.length - free.length }
}

/** Sets a legal hold, or with null takes it away. Returns how many rows it concerns. */
export async function holdPersonal(
  tx: Transaction,
  act: Act,
  numbers: readonly string[],
  reason: string | null,
): Promise<number> {
  const rows = await findRows(tx, act, numbers)
  await tx.query(
    `UPDATE personal_data p SET hold_reason = $2 FROM json_to_recordset($1::json) AS f(invoice_id text, role text, class text)
      WHERE (p.invoice_id, p.role, p.class) = (f.invoice_id, f.role, f.class)`,
    [keysOf(rows), reason],
  )
  await note(tx, act.environment, act.actor, reason === null ? 'personal.released' : 'personal.held', rows, {})
  return rows.length
}

const erasedAtOnce = 500

/** One round of the retention watcher: what is past its day and not held. Returns how many rows were erased. */
export async function eraseDue({
  database,
  environment,
}: {
  readonly database: Database
  readonly environment: Environment
}): Promise<number> {
  return await database.transaction(async (tx) => {
    const rows = await tx.query<RowKey>(
      `SELECT tenant_id AS "tenantId", invoice_id AS "invoiceId", role, class FROM personal_data
        WHERE erased_at IS NULL AND hold_reason IS NULL AND keep_until <= $1 ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED`,
      [environment.now(), erasedAtOnce],
    )
    await erase(tx, environment, 'feegate', rows, 'RETENTION')
    return rows.length
  })
}

type RowKey = { readonly tenantId: string; readonly invoiceId: string; readonly role: string; readonly class: string }

async function erase(
  tx: Transaction,
  environment: Environment,
  actor: string,
  rows: readonly RowKey[],
  reason: 'RETENTION' | 'REQUEST',
): Promise<void> {
  if (rows.length === 0) return
  await tx.query(
    `UPDATE personal_data p SET sealed = NULL, hashes = '{}', erased_at = $2, erased_reason = $3
       FROM json_to_recordset($1::json) AS f(invoice_id text, role text, class text)
      WHERE (p.invoice_id, p.role, p.class) = (f.invoice_id, f.role, f.class)`,
    [keysOf(rows), environment.now(), reason],
  )
  await note(tx, environment, actor, 'personal.erased', rows, { reason })
}

function keysOf(rows: readonly RowKey[]): string {
  return JSON.stringify(rows.map(({ invoiceId, role, class: kind }) => ({ invoice_id: invoiceId, role, class: kind })))
}

/** The journal is the access log: who, when, about which invoice and person of it; never the data. */
async function note(
  tx: Transaction,
  environment: Environment,
  actor: string,
  kind: string,
  rows: readonly RowKey[],
  facts: Readonly<Record<string, string>>,
): Promise<void> {
  await appendJournal(
    tx,
    rows.map((row) => ({
      tenantId: row.tenantId,
      at: environment.now(),
      kind,
      subject: row.invoiceId,
      actor,
      facts: { role: row.role, class: row.class, ...facts },
    })),
  )
}
