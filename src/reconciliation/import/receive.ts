/** A file on disk -> booked lines or a refusal: hash, register, load. What uploads, the command line and the watched folder share. */
import { stat } from 'node:fs/promises'
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
  readonly supersedesId?: string | undefined
}

/** How a file is to be read: by a source on record, or as it looks. */
export type SourceReading =
  | ({ readonly kind: 'STATEMENT'; readonly sourceId: string | null } & StatementReading)
  | {
      readonly kind: 'SETTLEMENT'
      readonly sourceId: string | null
      readonly layout: string
      readonly railAccountId: string
      readonly mapping?: StatementMapping | undefined
    }

export type RegisteredFile = { readonly file: ReceivedFile; readonly kind: 'new' | 'known'; readonly fileId: string }

export async function registerArrival(options: ImportOptions, arrival: Arrival): Promise<RegisteredFile> {
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
