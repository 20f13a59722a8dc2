/** Valid rows to start a test from, each field replaceable. Everything belongs to one tenant unless told otherwise. */
import { randomBytes } from 'node:crypto'
import { makeId } from '../../src/domain/ids.ts'
import type { Outcome } from '../../src/domain/outcome.ts'
import { makePayCode } from '../../src/domain/pay-code.ts'
import type { Database } from '../../src/store/database.ts'
import { insertAll } from '../../src/store/rows.ts'

export const seedTime = new Date('2026-11-20T03:00:00Z')

export function anId(prefix: Parameters<typeof makeId>[0]): string {
  return makeId(prefix, seedTime, randomBytes(10))
}

export type Seeded = {
  readonly tenantId: string
  readonly clientId: string
  readonly agencyCode: string
  readonly beneficiaryAccountId: string
  readonly railAccountId: string
}

let agencies = 0

/** A tenant with one agency, one beneficiary account, one rail account and one client. */
export async function seedTenant(database: Database, over: { rail?: string; config?: object } = {}): Promise<Seeded> {
  const seeded = {
    tenantId: anId('ten'),
    clientId: anId('cli'),
    agencyCode: `H56.${++agencies}`,
    beneficiaryAccountId: anId('bac'),
    railAccountId: `${over.rail ?? 'vnpay'}-${randomBytes(4).toString('hex')}`,
  }
  const { tenantId, clientId, agencyCode, beneficiaryAccountId } = seeded
  await insertAll(database, 'tenants', [{ id: tenantId, name: 'Tỉnh thử nghiệm', created_at: seedTime }])
  await insertAll(database, 'clients', [
    {
      id: clientId,
      tenant_id: tenantId,
      name: 'Cổng thử nghiệm',
      scopes: [],
      agency_codes: [],
      return_origins: [],
      requests_per_minute: 1000,
      status: 'ACTIVE',
      created_at: seedTime,
    },
  ])
  await insertAll(database, 'agencies', [
    {
      code: agencyCode,
      tenant_id: tenantId,
      name_vi: 'Sở Tư pháp',
      name_en: 'Department of Justice',
      tax_code: '0100111948',
      address: '',
      aliases: [],
      valid_from: '2020-01-01',
    },
  ])
  await insertAll(database, 'beneficiary_accounts', [
    {
      id: beneficiaryAccountId,
      tenant_id: tenantId,
      agency_code: agencyCode,
      creditor: 'COLLECTING_AGENCY',
      creditor_name: 'Sở Tư pháp',
      creditor_tax_code: '0100111948',
      bank_bin: '970415',
      account_number: '113366668888',
      account_name: 'SO TU PHAP',
      status: 'ACTIVE',
      created_at: seedTime,
    },
  ])
  await seedRailAccount(database, seeded, { id: seeded.railAccountId, ...over })
  return seeded
}

export async function seedRailAccount(
  database: Database,
  seeded: Seeded,
  over: { id?: string; rail?: string; config?: object } = {},
): Promise<string> {
  const rail = over.rail ?? 'vnpay'
  const id = over.id ?? `${rail}-${randomBytes(4).toString('hex')}`
  await insertAll(database, 'rail_accounts', [
    {
      id,
      tenant_id: seeded.tenantId,
      rail,
      beneficiary_account_id: seeded.beneficiaryAccountId,
      title_vi: 'Thẻ',
      title_en: 'Card',
      config: over.config ?? {},
      status: 'ACTIVE',
      position: 0,
      created_at: seedTime,
      updated_at: seedTime,
    },
  ])
  return id
}

export type SeededInvoice = {
  readonly id: string
  readonly payCode: string
  readonly paymentId: string
  readonly merchantRef: string
  readonly total: bigint
}

let references = 0

/** An invoice of two fees with one attempt under way. */
export async function seedInvoice(
  database: Database,
  seeded: Seeded,
  over: {
    status?: string
    total?: bigint
    expiresAt?: Date
    paymentStatus?: string
    dossierCode?: string
    obligationKey?: string
    priceValidTo?: string | null
    railAccountId?: string
    refundRules?: readonly [fee: string, copies: string]
  } = {},
): Promise<SeededInvoice> {
  const id = anId('inv')
  const payCode = makePayCode(randomBytes(32))
  const total = over.total ?? 58_000n
  const merchantRef = `FG${++references}${randomBytes(4).toString('hex')}`
  const paymentId = anId('pay')
  await insertAll(database, 'invoices', [
    {
      id,
      tenant_id: seeded.tenantId,
      client_id: seeded.clientId,
      version: 1,
      dossier_code: over.dossierCode ?? `H56.14-261120-${String(references).padStart(4, '0')}`,
      obligation_key: over.obligationKey ?? id,
      procedure_code: '2.001195',
      resolving_agency_code: seeded.agencyCode,
      collecting_agency_code: seeded.agencyCode,
      beneficiary_account_id: seeded.beneficiaryAccountId,
      collection_mode: 'UPFRONT',
      parties: {},
      pricing: {},
      total,
      currency: 'VND',
      status: over.status ?? 'PAYING',
      issued_at: seedTime,
      expires_at: over.expiresAt ?? new Date(seedTime.getTime() + 86_400_000),
      price_valid_to: over.priceValidTo ?? null,
      pay_code: payCode,
      pay_token: randomBytes(24).toString('base64url'),
      jws: 'a.b.c',
      event_seq: 1,
      updated_at: seedTime,
    },
  ])
  const item = {
    invoice_id: id,
    quantity: 1,
    reduction_amount: 0n,
    creditor_tax_code: '0100111948',
    basis: {},
  }
  const [feeRule, copiesRule] = over.refundRules ?? ['NEVER', 'NEVER']
  await insertAll(database, 'invoice_items', [
    {
      ...item,
      line_no: 1,
      kind: 'LE_PHI',
      name_vi: 'Lệ phí cấp thẻ',
      unit_amount: total - 8000n,
      gross: total - 8000n,
      net: total - 8000n,
      economic_code: '2768',
      refund_rule: feeRule,
    },
    {
      ...item,
      line_no: 2,
      kind: 'PHI',
      name_vi: 'Phí bản sao',
      unit_amount: 8000n,
      gross: 8000n,
      net: 8000n,
      economic_code: '2716',
      refund_rule: copiesRule,
    },
  ])
  await insertAll(database, 'payments', [
    {
      id: paymentId,
      tenant_id: seeded.tenantId,
      invoice_id: id,
      rail_account_id: over.railAccountId ?? seeded.railAccountId,
      merchant_ref: merchantRef,
      amount: total,
      status: over.paymentStatus ?? 'REDIRECTED',
      locale: 'vi',
      sent: {},
      confirm_tries: 0,
      inquiries: 0,
      needs_human: false,
      created_at: seedTime,
      expires_at: new Date(seedTime.getTime() + 1_800_000),
      updated_at: seedTime,
    },
  ])
  return { id, payCode, paymentId, merchantRef, total }
}

export function aSuccess(seeded: Seeded, invoice: SeededInvoice, over: Partial<Outcome> = {}): Outcome {
  return {
    rail: 'vnpay',
    accountId: seeded.railAccountId,
    merchantRef: invoice.merchantRef,
    railTransactionId: `T${randomBytes(6).toString('hex')}`,
    kind: 'succeeded',
    amount: invoice.total,
    currency: 'VND',
    paidAt: new Date(seedTime.getTime() + 60_000),
    source: 'CALLBACK',
    evidence: {},
    ...over,
  }
}
