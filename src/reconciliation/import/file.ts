/**
 * A file on its way in: the same bytes once, all of it or nothing, and a refusal that says which line is wrong.
 *
 * One transaction holds everything a file brings. Its row is committed before (so that others see it loading) and tells how it
 * ended; a process that dies leaves a row that says LOADING and an advisory lock that is gone, and the next try takes over.
 */
import type { Environment } from '../../environment.ts'
import { newId } from '../../environment.ts'
import { Problem } from '../../problem/problem.ts'
import type { Vault } from '../../secrets/vault.ts'
import type { Crl } from '../../signing/crl.ts'
import type { Database, Transaction } from '../../store/database.ts'
import { appendJournal } from '../../store/journal.ts'
import { insertAll } from '../../store/rows.ts'
import { StatementRefused } from '../readers/refused.ts'

export type FileKind = 'STATEMENT' | 'SETTLEMENT'
export type FileOrigin = 'UPLOAD' | 'FOLDER' | 'COMMAND' | 'BANK'

export type ReceivedFile = {
  readonly tenantId: string
  readonly kind: FileKind
  readonly path: string
  /** As the sender named it. */
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  readonly sourceId: string | null
  readonly origin: FileOrigin
  readonly actor: string
  /** The file whose statements this one corrects: an officer's act (statements.md §4). */
  readonly supersedesId: string | null
}

/** A refusal of ours, beside those of the readers: the file is sound and must not be booked all the same. */
export class FileRefused extends Error {
  readonly code: FileRefusalCode
  readonly facts: Readonly<Record<string, string>>

  constructor(code: FileRefusalCode, message: string, facts: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'FileRefused'
    this.code = code
    this.facts = facts
  }
}
export type FileRefusalCode =
  | 'ACCOUNT_UNKNOWN'
  | 'ACCOUNT_AMBIGUOUS'
  | 'CORRECTION'
  | 'IDENTITY_REPEATED'
  | 'NOT_A_CORRECTION'
  | 'DATE_MISSING'
  | 'INTERRUPTED'
  | 'LAYOUT_UNKNOWN'

export type Refusal = {
  readonly code: string
  readonly message: string
  readonly line: number | null
  readonly problems: readonly { readonly line: number | null; readonly code: string; readonly message: string }[]
  readonly facts: Readonly<Record<string, string>>
}

export type ImportCounts = { readonly read: bigint; readonly booked: bigint; readonly known: bigint }

export type ImportResult =
  | { readonly status: 'IMPORTED'; readonly fileId: string; readonly counts: ImportCounts }
  | { readonly status: 'REFUSED'; readonly fileId: string; readonly refusal: Refusal }
  /** These bytes are on record already. */
  | { readonly status: 'KNOWN'; readonly fileId: string }

export type ImportOptions = {
  readonly database: Database
  readonly environment: Environment
  /** Opens what a rail account keeps sealed: a secret some settlement files are checked with. */
  readonly vault: Vault
  /** Revocation lists of banks that sign their files; null or left out: none are kept. */
  readonly signerCrls?: (() => readonly Crl[] | null) | undefined
  /** Lines read so far, and the part of the file's bytes (0 to 1); null where the format does not tell. */
  readonly onProgress?: (lines: number, part: number | null) => void
}

/** Commits the file's row, or finds the file that brought these bytes before. */
export async function registerFile(
  { database, environment }: ImportOptions,
  file: ReceivedFile,
): Promise<{ readonly kind: 'new' | 'known'; readonly fileId: string }> {
  return await database.forTenant(file.tenantId).transaction(async (tx) => {
    const earlier = await findEarlier(tx, file)
    if (earlier !== undefined && !(earlier.status === 'LOADING' && (await tryLock(tx, earlier.id)))) {
      return { kind: 'known', fileId: earlier.id }
    }
    // Nobody holds its lock: the process that was loading it is gone, and so is everything it had read.
    if (earlier !== undefined) await refuse(tx, earlier.id, interrupted, environment.now())
    const fileId = newId(environment, 'fil')
    const made = await insertAll(
      tx,
      'statement_files',
      [
        {
          id: fileId,
          tenant_id: file.tenantId,
          kind: file.kind,
          sha256: file.sha256,
          name: file.name.slice(0, 255),
          bytes: BigInt(file.bytes),
          source_id: file.sourceId,
          origin: file.origin,
          status: 'LOADING',
          read_lines: 0,
          booked_lines: 0,
          known_lines: 0,
          supersedes_id: file.supersedesId,
          received_by: file.actor,
          received_at: environment.now(),
        },
      ],
      `ON CONFLICT (tenant_id, sha256) WHERE status <> 'REFUSED' DO NOTHING RETURNING id`,
    )
    if (made.length > 0) return { kind: 'new', fileId }
    // The same bytes came in the same moment, and theirs was first.
    const first = await findEarlier(tx, file)
    if (first === undefined) throw new Problem('STATEMENT_FILE_LOADING', { retryAfterSeconds: 5 })
    return { kind: 'known', fileId: first.id }
  })
}

async function findEarlier(tx: Transaction, file: ReceivedFile): Promise<{ id: string; status: string } | undefined> {
  const [earlier] = await tx.query<{ id: string; status: string }>(
    `SELECT id, status FROM statement_files WHERE tenant_id = $1 AND sha256 = $2 AND status <> 'REFUSED' FOR UPDATE`,
    [file.tenantId, file.sha256],
  )
  return earlier
}

const interrupted = new FileRefused('INTERRUPTED', 'the process that was loading it ended; nothing of it was booked')

/** Loads a registered file in one transaction and records how it ended. Errors of the machine are thrown on. */
export async function loadRegistered(
  { database, environment }: ImportOptions,
  file: ReceivedFile,
  fileId: string,
  load: (tx: Transaction) => Promise<ImportCounts & { readonly format: string }>,
): Promise<ImportResult> {
  const tenant = database.forTenant(file.tenantId)
  try {
    const counts = await tenant.transaction(async (tx) => {
      await tx.query(`SET LOCAL statement_timeout = '${longestStatementMinutes}min'`, [])
      if (!(await tryLock(tx, fileId))) throw new Problem('STATEMENT_FILE_LOADING', { retryAfterSeconds: 5 })
      const loaded = await load(tx)
      await tx.query(
        `UPDATE statement_files SET status = 'IMPORTED', format = $2, read_lines = $3, booked_lines = $4, known_lines = $5, finished_at = $6 WHERE id = $1`,
        [fileId, loaded.format, loaded.read, loaded.booked, loaded.known, environment.now()],
      )
      await appendJournal(tx, [
        {
          tenantId: file.tenantId,
          at: environment.now(),
          kind: file.supersedesId === null ? 'statement.imported' : 'statement.superseded',
          subject: fileId,
          actor: file.actor,
          facts: {
            sha256: file.sha256,
            name: file.name.slice(0, 255),
            supersedes: file.supersedesId,
            booked: loaded.booked.toString(),
            known: loaded.known.toString(),
          },
        },
      ])
      return loaded
    })
    return { status: 'IMPORTED', fileId, counts }
  } catch (error) {
    if (!(error instanceof StatementRefused || error instanceof FileRefused)) {
      await tenant.transaction((tx) => refuse(tx, fileId, interrupted, environment.now()))
      throw error
    }
    await tenant.transaction((tx) => refuse(tx, fileId, error, environment.now()))
    return { status: 'REFUSED', fileId, refusal: refusalOf(error) }
  }
}

/** A million lines take minutes on a slow disk; nothing of ours takes longer. */
const longestStatementMinutes = 30

async function refuse(
  tx: Transaction,
  fileId: string,
  error: StatementRefused | FileRefused,
  now: Date,
): Promise<void> {
  await tx.query(
    `UPDATE statement_files SET status = 'REFUSED', refusal = $2, finished_at = $3 WHERE id = $1 AND status = 'LOADING'`,
    [fileId, JSON.stringify(refusalOf(error)), now],
  )
}

function refusalOf(error: StatementRefused | FileRefused): Refusal {
  const read = error instanceof StatementRefused
  return {
    code: error.code,
    message: storable(error.message),
    line: read ? error.line : null,
    problems: read ? error.problems.map(({ code, line, message }) => ({ code, line, message: storable(message) })) : [],
    facts: read ? {} : error.facts,
  }
}

function storable(text: string): string {
  return text.replaceAll('\0', '').slice(0, 2000)
}

/** One loader per file, for as long as its transaction lasts. */
async function tryLock(tx: Transaction, fileId: string): Promise<boolean> {
  const [row] = await tx.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked',
    [`statement file ${fileId}`],
  )
  return row?.locked === true
}
