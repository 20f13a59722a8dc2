/** Certificates with which agencies sign documents as CMS. The private key is sealed; a new certificate retires the one before. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Environment, newId } from '../environment.ts'
import type { SealedColumns, SecretOwner, Vault } from '../secrets/vault.ts'
import { subjectOf } from '../signing/certificate-rule.ts'
import { checkCertificate, isDemoCertificate, spkiPin } from '../signing/certificates.ts'
import type { Pkcs12Content } from '../signing/pkcs12.ts'
import type { Database, Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'

export class AgencySignerError extends Error {
  readonly code = 'AGENCY_SIGNER'
}

export type AgencySigner = { readonly id: string; readonly agencyCode: string } & Pkcs12Content

const signerOwner = (tenantId: string, id: string): SecretOwner => ({ kind: 'agency-signer', tenantId, id })

/** @throws AgencySignerError for an unknown agency, and for a certificate that cannot sign for it now */
export async function importSigner(
  tx: Transaction,
  environment: Environment,
  vault: Vault,
  { agencyCode, store, refuseDemo }: { agencyCode: string; store: Pkcs12Content; refuseDemo: boolean },
  actor: string,
): Promise<{ id: string }> {
  const now = environment.now()
  const { privateKey, certificate, others } = store
  const name = subjectOf(certificate)
  if (refuseDemo && isDemoCertificate(certificate))
    throw new AgencySignerError(`${name}: demo certificates are refused in production`)
  // Who believes in its authority is for the readers of its signatures; here it must be able to make one.
  const verdict = checkCertificate(certificate, { roots: [certificate], purpose: 'signing', at: now })
  if (!verdict.ok) throw new AgencySignerError(`${name} cannot sign: ${verdict.reason}`)
  if (privateKey.asymmetricKeyType !== 'rsa' && privateKey.asymmetricKeyType !== 'ec')
    throw new AgencySignerError(`${name} cannot sign: the key is neither RSA nor EC`)
  const [agency] = await tx.query<{ tenant_id: string }>('SELECT tenant_id FROM agencies WHERE code = $1', [agencyCode])
  if (agency === undefined) throw new AgencySignerError(`there is no agency ${agencyCode}: load its directory first`)

  const id = newId(environment, 'sgn')
  const sealed = await vault.seal(signerOwner(agency.tenant_id, id), {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  })
  await tx.query(
    `UPDATE agency_signers SET status = 'RETIRED' WHERE agency_code = $1 AND tenant_id = $2 AND status = 'ACTIVE'`,
    [agencyCode, agency.tenant_id],
  )
  await insertAll(tx, 'agency_signers', [
    {
      id,
      tenant_id: agency.tenant_id,
      agency_code: agencyCode,
      certificate: certificate.raw,
      other_certificates: others.map(({ raw }) => `\\x${raw.toString('hex')}`),
      ends_at: certificate.validToDate,
      ...sealed,
      status: 'ACTIVE',
      created_at: now,
    },
  ])
  await appendJournal(tx, [
    {
      tenantId: agency.tenant_id,
      at: now,
      kind: 'agency.signer_imported',
      subject: agencyCode,
      actor,
      facts: {
        signerId: id,
        serial: certificate.serialNumber,
        spki: spkiPin(certificate),
        endsAt: certificate.validToDate.toISOString(),
      },
    },
  ])
  return { id }
}

type SignerRow = SealedColumns & {
  readonly id: string
  readonly certificate: Buffer
  readonly other_certificates: readonly Buffer[]
}

/** The one that signs for an agency now; null when it has none. */
export async function activeSigner(
  source: Pick<Database | Transaction, 'query'>,
  vault: Vault,
  tenantId: string,
  agencyCode: string,
): Promise<AgencySigner | null> {
  const [row] = await source.query<SignerRow>(
    `SELECT id, certificate, other_certificates, master_key_id, data_key, sealed FROM agency_signers
      WHERE tenant_id = $1 AND agency_code = $2 AND status = 'ACTIVE'`,
    [tenantId, agencyCode],
  )
  if (row === undefined) return null
  const { privateKey = '' } = await vault.open(signerOwner(tenantId, row.id), row)
  return {
    id: row.id,
    agencyCode,
    privateKey: createPrivateKey(privateKey),
    certificate: new X509Certificate(row.certificate),
    others: row.other_certificates.map((der) => new X509Certificate(der)),
  }
}

export type SignerFacts = {
  readonly id: string
  readonly tenantId: string
  readonly agencyCode: string
  readonly status: 'ACTIVE' | 'RETIRED'
  readonly certificate: X509Certificate
}

/** All of them, for people and for warnings; no private key is opened. */
export async function listSigners(source: Pick<Database | Transaction, 'query'>): Promise<SignerFacts[]> {
  const rows = await source.query<{
    id: string
    tenant_id: string
    agency_code: string
    status: 'ACTIVE' | 'RETIRED'
    certificate: Buffer
  }>('SELECT id, tenant_id, agency_code, status, certificate FROM agency_signers ORDER BY agency_code, id', [])
  return rows.map(({ id, tenant_id, agency_code, status, certificate }) => ({
    id,
    tenantId: tenant_id,
    agencyCode: agency_code,
    status,
    certificate: new X509Certificate(certificate),
  }))
}
