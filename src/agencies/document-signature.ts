/** An agency's CMS signature over a document of ours: made when somebody first asks for it, the same bytes ever after. */
import type { Environment } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { Vault } from '../secrets/vault.ts'
import { signCms } from '../signing/cms-sign.ts'
import type { TenantDatabase } from '../store/database.ts'
import { activeSigner } from './signers.ts'

export type SignableDocument = {
  readonly tenantId: string
  readonly kind: 'invoice' | 'receipt'
  readonly id: string
  readonly agencyCode: string
  /** The exact bytes; they never change under one kind and id. */
  readonly bytes: Uint8Array
}

/**
 * Detached CMS in DER.
 * @throws Problem AGENCY_CERTIFICATE_MISSING when nobody can sign for the agency now
 */
export async function signatureOf(
  database: TenantDatabase,
  environment: Environment,
  vault: Vault,
  document: SignableDocument,
): Promise<Buffer> {
  const made = await storedSignature(database, document)
  if (made !== null) return made
  const now = environment.now()
  const signer = await activeSigner(database, vault, document.tenantId, document.agencyCode)
  if (signer === null) throw new Problem('AGENCY_CERTIFICATE_MISSING')
  if (now > signer.certificate.validToDate)
    throw new Problem('AGENCY_CERTIFICATE_MISSING', {
      vi: 'Chứng thư số của cơ quan đã hết hạn.',
      en: "The agency's certificate has ended.",
    })
  const cms = signCms(document.bytes, signer, now)
  // Of two who ask first at once one signature stays, and both get it.
  await database.query(
    `INSERT INTO document_signatures (tenant_id, document_kind, document_id, signer_id, cms, signed_at) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING`,
    [document.tenantId, document.kind, document.id, signer.id, cms, now],
  )
  return (await storedSignature(database, document)) ?? cms
}

async function storedSignature(
  database: TenantDatabase,
  { tenantId, kind, id }: SignableDocument,
): Promise<Buffer | null> {
  const [row] = await database.query<{ cms: Buffer }>(
    'SELECT cms FROM document_signatures WHERE tenant_id = $1 AND document_kind = $2 AND document_id = $3',
    [tenantId, kind, id],
  )
  return row?.cms ?? null
}
