/** Statement files -> `statements` and `statement_lines`: streamed by COPY into a staging table, then booked by set-based SQL. */
import { createReadStream } from 'node:fs'
import type { Transaction } from '../../store/database.ts'
import { insertAll } from '../../store/rows.ts'
import type { ReaderName } from '../readers/detect.ts'
import { statementIdentity } from '../readers/identity.ts'
import { detectFile, guarded, type ReadOptions, readStatementFile, readStatements } from '../readers/read.ts'
import type { Remark, StatementEvent, StatementFooter, StatementHeader } from '../readers/statement.ts'
import type { StatementMapping } from '../readers/table/mapping.ts'
import { type BankAccount, findBankAccount, readBankAccounts } from './accounts.ts'
import { chunked, copyRow } from './copy-text.ts'
import {
  FileRefused,
  type ImportCounts,
  type ImportOptions,
  type ImportResult,
  loadRegistered,
  type ReceivedFile,
} from './file.ts'
import { type BookedLine, linesOf } from './line.ts'

export type StatementReading = {
  readonly format?: ReaderName | undefined
  readonly mapping?: StatementMapping | undefined
  /** For files whose account number is held at two of our banks. */
  readonly beneficiaryAccountId?: string | undefined
  /** Of a statement that a bank gave as an answer and not as a file: the file holds the same. */
  readonly events?: (() => Iterable<StatementEvent>) | undefined
}

/** @returns how it ended; a refused file leaves nothing but its refusal. */
export async function importStatements(
  options: ImportOptions,
  file: ReceivedFile,
  fileId: string,
  reading: StatementReading,
): Promise<ImportResult> {
  return await loadRegistered(options, file, fileId, (tx) => load(tx, options, file, fileId, reading))
}

type ReadStatement = {
  readonly header: StatementHeader
  readonly footer: StatementFooter
  readonly warnings: readonly Remark[]
}

/** Remarks kept per statement; more of the same kind tell nothing new. */
const maxWarnings = 100
const progressEvery = 5_000

async function load(
  tx: Transaction,
  { environment, onProgress }: ImportOptions,
  file: ReceivedFile,
  fileId: string,
  reading: StatementReading,
): Promise<ImportCounts & { readonly format: string }> {
  const accounts = await readBankAccounts(tx, file.tenantId)
  await tx.query(`CREATE TEMP TABLE staged_lines (${stagedColumns}) ON COMMIT DROP`, [])
  const statements: ReadStatement[] = []
  let read = 0
  let bytesRead: Source['bytesRead'] = null
  const tell = (): void => onProgress?.(read, bytesRead === null ? null : bytesRead() / file.bytes)
  async function* rows(): AsyncGenerator<string> {
    let header: StatementHeader | null = null
    let warnings: Remark[] = []
    const source = await openSource(file.path, reading)
    bytesRead = source.bytesRead
    for await (const event of source.events) {
      if (event.kind === 'statement') header = event.header
      else if (event.kind === 'warning' && warnings.length < maxWarnings) warnings.push(event.remark)
      else if (event.kind === 'end' && header !== null) {
        statements.push({ header, footer: event.footer, warnings })
        header = null
        warnings = []
      } else if (event.kind === 'entry' && header !== null) {
        const lines = linesOf(header, event.entry)
        if (lines === null)
          throw new FileRefused('DATE_MISSING', `line ${event.entry.line}: no date, and the statement has no period`)
        for (const line of lines) yield stagedRow(line)
        read += lines.length
        if (read % progressEvery < lines.length) tell()
      }
    }
  }
  await tx.copyIn('COPY staged_lines FROM STDIN', chunked(rows()))
  tell()
  const named = statements.map((statement) => nameAccount(statement, accounts, reading.beneficiaryAccountId))
  refuseRepeated(named)
  if (file.supersedesId !== null) await supersede(tx, file, named, environment.now())
  const booked = await book(tx, file, fileId, named)
  const format = statements[0]?.header.format ?? ''
  return { read: BigInt(read), booked, known: BigInt(read) - booked, format }
}

type Source = { readonly events: AsyncIterable<StatementEvent>; readonly bytesRead: (() => number) | null }

async function openSource(path: string, reading: StatementReading): Promise<Source> {
  if (reading.events !== undefined) return { events: guarded(reading.events()), bytesRead: null }
  const format = reading.format ?? (await detectFile(path))
  const options: ReadOptions = { format, mapping: reading.mapping }
  if (format === 'xlsx') return { events: readStatementFile(path, options), bytesRead: null }
  const bytes = createReadStream(path, { highWaterMark: 65_536 })
  return { events: readStatements(bytes, format, options), bytesRead: () => bytes.bytesRead }
}

type NamedStatement = ReadStatement & { readonly account: BankAccount; readonly identity: string }

function nameAccount(
  statement: ReadStatement,
  accounts: readonly BankAccount[],
  wanted: string | undefined,
): NamedStatement {
  const text = statement.header.account ?? ''
  const found = findBankAccount(accounts, text).filter(
    ({ beneficiaryAccountId }) => wanted === undefined || beneficiaryAccountId === wanted,
  )
  const [account, another] = found
  if (account === undefined || account.railAccounts === 0)
    throw new FileRefused(
      'ACCOUNT_UNKNOWN',
      `line ${statement.header.line}: account ${text} is not one that any rail pays into`,
      { account: text },
    )
  if (another !== undefined)
    throw new FileRefused('ACCOUNT_AMBIGUOUS', `account ${text} is held at two banks: say which`, { account: text })
  return { ...statement, account, identity: statementIdentity(statement.header, statement.footer) }
}

function refuseRepeated(statements: readonly NamedStatement[]): void {
  const seen = new Map<string, NamedStatement>()
  for (const statement of statements) {
    const before = seen.get(statement.identity)
    if (before !== undefined)
      throw new FileRefused(
        'IDENTITY_REPEATED',
        `line ${statement.header.line}: this statement stands in line ${before.header.line} already`,
      )
    seen.set(statement.identity, statement)
  }
}

/** The predecessor's statements give way; its lines that the correction no longer holds are withdrawn, the others stay booked. */
async function supersede(
  tx: Transaction,
  file: ReceivedFile,
  statements: readonly NamedStatement[],
  now: Date,
): Promise<void> {
  const replaced = await tx.query<{ id: bigint; identity: string }>(
    `SELECT s.id, s.identity FROM statements s JOIN statement_files f ON f.id = s.file_id
      WHERE f.id = $1 AND f.tenant_id = $2 AND f.status = 'IMPORTED' AND s.status = 'CURRENT' FOR UPDATE OF f`,
    [file.supersedesId, file.tenantId],
  )
  const names = new Set(statements.map(({ identity }) => identity))
  if (replaced.length === 0 || !replaced.every(({ identity }) => names.has(identity)))
    throw new FileRefused('NOT_A_CORRECTION', 'the file does not hold every statement of the one it is to supersede', {
      predecessor: file.supersedesId ?? '',
    })
  const ids = replaced.map(({ id }) => id)
  await tx.query(`UPDATE statements SET status = 'SUPERSEDED' WHERE id = ANY($1)`, [ids])
  await tx.query(`UPDATE statement_files SET status = 'SUPERSEDED' WHERE id = $1`, [file.supersedesId])
  await tx.query(
    `UPDATE statement_lines l SET withdrawn_at = $2
      WHERE l.statement_id = ANY($1) AND l.withdrawn_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM (SELECT key, status, row_number() OVER (PARTITION BY key ORDER BY statement, ordinal, detail) AS equal_no FROM staged_lines) n
         WHERE n.key = l.line_key AND n.equal_no = l.equal_no AND n.status = l.status)`,
    [ids, now],
  )
}

async function book(
  tx: Transaction,
  file: ReceivedFile,
  fileId: string,
  statements: readonly NamedStatement[],
): Promise<bigint> {
  await refuseKnown(tx, file, statements)
  await insertAll(
    tx,
    'statements',
    statements.map(({ header, footer, warnings, account, identity }) => ({
      tenant_id: file.tenantId,
      file_id: fileId,
      beneficiary_account_id: account.beneficiaryAccountId,
      identity,
      status: 'CURRENT',
      format: header.format,
      version: header.version,
      ordinal: header.ordinal,
      account: header.account ?? '',
      currency: header.currency,
      statement_ref: header.statementId,
      message_ref: header.messageId,
      sequence: header.sequence,
      period_from: header.periodFrom ?? footer.opening?.date ?? footer.firstDate,
      period_to: header.periodTo ?? footer.closing?.date ?? footer.lastDate,
      opening: (footer.opening ?? header.opening)?.amount ?? null,
      closing: footer.closing?.amount ?? null,
      entries: footer.entries,
      credits: footer.credits.sum,
      debits: footer.debits.sum,
      not_booked: footer.notBooked.credits.count + footer.notBooked.debits.count,
      known_lines: 0,
      warnings,
    })),
  )
  if (file.supersedesId !== null) {
    // Lines that both hold keep their rows, and so what explains them.
    await tx.query(
      `UPDATE statement_lines l SET statement_id = n.id
         FROM statements o JOIN statements n ON n.identity = o.identity AND n.tenant_id = o.tenant_id AND n.file_id = $2
        WHERE o.file_id = $1 AND l.statement_id = o.id AND l.withdrawn_at IS NULL`,
      [file.supersedesId, fileId],
    )
  }
  return await bookLines(tx, file.tenantId, fileId, file.supersedesId !== null)
}

/** A statement that is on record came with other bytes: a correction, and only an officer may say so. */
async function refuseKnown(tx: Transaction, file: ReceivedFile, statements: readonly NamedStatement[]): Promise<void> {
  const [known] = await tx.query<{ file_id: string; identity: string }>(
    `SELECT file_id, identity FROM statements WHERE tenant_id = $1 AND status = 'CURRENT' AND identity = ANY($2) ORDER BY id LIMIT 1`,
    [file.tenantId, statements.map(({ identity }) => identity)],
  )
  if (known === undefined) return
  const statement = statements.find(({ identity }) => identity === known.identity)
  throw new FileRefused(
    'CORRECTION',
    `line ${statement?.header.line ?? 1}: statement ${statement?.header.statementId ?? ''} is on record with other content; an officer may let this file supersede it`,
    { predecessor: known.file_id },
  )
}

const stagedColumns = `statement integer, ordinal integer, detail integer, file_line bigint, booked_on date, value_on date, direction text,
  reversal boolean, status text, amount numeric, currency text, amount_vnd bigint, bank_reference text, refs text[], ref_codes text[],
  text_codes text[], words text[], remittance text, remittance_raw text, counterparty_name text, counterparty_account text, type_code text,
  raw text, key uuid`

function stagedRow(line: BookedLine): string {
  return copyRow([
    line.statement,
    line.ordinal,
    line.detail,
    line.fileLine,
    line.bookedOn,
    line.valueOn,
    line.direction,
    line.reversal,
    line.status,
    line.amount,
    line.currency,
    line.amountVnd,
    line.bankReference,
    line.refs,
    line.refCodes,
    line.textCodes,
    line.words,
    line.remittance,
    line.remittanceRaw,
    line.counterpartyName,
    line.counterpartyAccount,
    line.typeCode,
    line.raw,
    line.key,
  ])
}

const lineColumns = `tenant_id, statement_id, beneficiary_account_id, ordinal, detail, file_line, booked_on, value_on, direction, reversal, status,
  amount, currency, amount_vnd, bank_reference, refs, ref_codes, text_codes, words, remittance, remittance_raw, counterparty_name,
  counterparty_account, type_code, raw, line_key, equal_no`
const stagedValues = (
  equalNo: string,
): string => `$1, s.id, s.beneficiary_account_id, l.ordinal, l.detail, l.file_line, l.booked_on, l.value_on,
  l.direction, l.reversal, l.status, l.amount, l.currency, l.amount_vnd, l.bank_reference, l.refs, l.ref_codes, l.text_codes, l.words,
  l.remittance, l.remittance_raw, l.counterparty_name, l.counterparty_account, l.type_code, l.raw, l.key, ${equalNo}`

/** Books what is new. Lines that another statement brought before are only counted. */
async function bookLines(tx: Transaction, tenantId: string, fileId: string, correction: boolean): Promise<bigint> {
  await tx.query(
    `INSERT INTO statement_lines (${lineColumns})
     SELECT ${stagedValues('row_number() OVER (PARTITION BY l.key ORDER BY l.statement, l.ordinal, l.detail)')}
       FROM staged_lines l JOIN statements s ON s.file_id = $2 AND s.ordinal = l.statement
      ORDER BY l.statement, l.ordinal, l.detail
     ON CONFLICT DO NOTHING`,
    [tenantId, fileId],
  )
  const [counts] = await tx.query<{ staged: bigint; booked: bigint }>(
    `SELECT (SELECT count(*) FROM staged_lines) AS staged,
            (SELECT count(*) FROM statement_lines l JOIN statements s ON s.id = l.statement_id WHERE s.file_id = $1) AS booked`,
    [fileId],
  )
  const { staged = 0n, booked = 0n } = counts ?? {}
  if (staged <= booked || correction) return booked
  const more = await bookContinued(tx, tenantId, fileId)
  await tx.query(
    `UPDATE statements s SET known_lines = c.staged - c.booked
       FROM (SELECT statement, count(*) AS staged,
                    (SELECT count(*) FROM statement_lines b JOIN statements o ON o.id = b.statement_id WHERE o.file_id = $1 AND o.ordinal = statement) AS booked
               FROM staged_lines GROUP BY statement) c
      WHERE s.file_id = $1 AND s.ordinal = c.statement AND c.staged <> c.booked`,
    [fileId],
  )
  return booked + more
}

/**
 * A statement that opens with the balance on which the account's newest one closed holds no line of it: lines that look like
 * known ones are new all the same (the bank credited one payment twice, on two days), and their count goes on.
 */
async function bookContinued(tx: Transaction, tenantId: string, fileId: string): Promise<bigint> {
  const [row] = await tx.query<{ booked: bigint }>(
    `WITH continued AS (
       SELECT s.id FROM statements s
        CROSS JOIN LATERAL (
          SELECT p.closing, p.period_to FROM statements p
           WHERE p.beneficiary_account_id = s.beneficiary_account_id AND p.status = 'CURRENT' AND p.id <> s.id
             AND p.period_to < s.period_to
           ORDER BY p.period_to DESC, p.id DESC LIMIT 1) before
        WHERE s.file_id = $2 AND s.opening = before.closing
          AND NOT EXISTS (SELECT 1 FROM statements a WHERE a.beneficiary_account_id = s.beneficiary_account_id AND a.status = 'CURRENT'
                             AND a.file_id <> $2 AND a.period_to >= s.period_to)),
     added AS (
       INSERT INTO statement_lines (${lineColumns})
       SELECT ${stagedValues(`k.known + row_number() OVER (PARTITION BY l.key ORDER BY l.statement, l.ordinal, l.detail)`)}
         FROM staged_lines l JOIN statements s ON s.file_id = $2 AND s.ordinal = l.statement
         JOIN continued c ON c.id = s.id
        CROSS JOIN LATERAL (SELECT max(e.equal_no) AS known FROM statement_lines e WHERE e.line_key = l.key AND e.tenant_id = $1) k
        WHERE l.status = 'BOOK'
          AND NOT EXISTS (SELECT 1 FROM statement_lines b WHERE b.statement_id = s.id AND b.ordinal = l.ordinal AND b.detail = l.detail)
       RETURNING 1)
     SELECT count(*) AS booked FROM added`,
    [tenantId, fileId],
  )
  return row?.booked ?? 0n
}
