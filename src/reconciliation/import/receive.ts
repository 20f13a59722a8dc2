/** A file on disk -> booked lines or a refusal: hash, register, load. What uploads, the command line and the watched folder share. */
import { stat } from 'node:fs/promises'
import { Problem } from '../../problem/problem.ts'
import { type SignedBy, verifySignedFile } from '../../signing/signed-by.ts'
import { fileHash } from '../readers/identity.ts'
import type { StatementMapping } from '../readers/table/mapping.ts'
import { type FileOrigin, type ImportOptions, type ImportResult, type ReceivedFile, registerFile } from './file.ts'
import { importSettlementRows } from './settlement-rows.ts'
import { importStatements, type StatementReading } from './statements.ts'

export type Arrival = {
  readonly tenantId: string
  readonly path: string
  /** What to delete when it has been read, if it is more than the file. */
  readonly discard?: string
  readonly name: string
  readonly origin: FileOrigin
  readonly actor: string
  readonly source: SourceReading
  /** The bank's CMS signature of the file, where one came with it. */
  readonly signature?: Uint8Array | null
  readonly supersedesId?: string | undefined
}

/** How a file is to be read: by a source on record, or as it looks; and who must have signed it. */
export type SourceReading = { readonly signedBy?: SignedBy | null } & (
  | ({ readonly kind: 'STATEMENT'; readonly sourceId: string | null } & StatementReading)
  | {
      readonly kind: 'SETTLEMENT'
      readonly sourceId: string | null
      readonly layout: string
      readonly railAccountId: string
      readonly mapping?: StatementMapping | undefined
    }
)

export type RegisteredFile = { readonly file: ReceivedFile; readonly kind: 'new' | 'known'; readonly fileId: string }

/** @throws Problem STATEMENT_NOT_SIGNED, before anything is kept, when the source asks for a signature and none of its bank is there */
export async function registerArrival(options: ImportOptions, arrival: Arrival): Promise<RegisteredFile> {
  await mustBeSigned(options, arrival)
  const file: ReceivedFile = {
    tenantId: arrival.tenantId,
    kind: arrival.source.kind,
    path: arrival.path,
    name: arrival.name,
    bytes: (await stat(arrival.path)).size,
    sha256: await fileHash(arrival.path),
    sourceId: arrival.source.sourceId,
    origin: arrival.origin,
    actor: arrival.actor,
    supersedesId: arrival.supersedesId ?? null,
  }
  return { file, ...(await registerFile(options, file)) }
}

async function mustBeSigned(
  { environment, signerCrls = () => null }: ImportOptions,
  { path, source: { signedBy = null }, signature = null }: Arrival,
): Promise<void> {
  if (signedBy === null) return
  if (signature === null)
    throw new Problem('STATEMENT_NOT_SIGNED', { vi: 'Không có chữ ký kèm theo.', en: 'no signature came with it' })
  const verdict = await verifySignedFile(path, signature, signedBy, { at: environment.now(), crls: signerCrls() })
  if (!verdict.ok) throw new Problem('STATEMENT_NOT_SIGNED', { vi: verdict.reason, en: verdict.reason })
}

export async function loadArrival(
  options: ImportOptions,
  { file, fileId, kind }: RegisteredFile,
  source: SourceReading,
): Promise<ImportResult> {
  if (kind === 'known') return { status: 'KNOWN', fileId }
  return source.kind === 'STATEMENT'
    ? await importStatements(options, file, fileId, source)
    : await importSettlementRows(options, file, fileId, source)
}

export async function receiveFile(options: ImportOptions, arrival: Arrival): Promise<ImportResult> {
  return await loadArrival(options, await registerArrival(options, arrival), arrival.source)
}
