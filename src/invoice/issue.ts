/** Issuing invoices: one or a thousand in the caller's transaction, by the same few set-based statements. */
import { readSlice } from '../catalogue/slice.ts'
import { canonicalCode } from '../domain/codes/canonical.ts'
import { parseDossierCode } from '../domain/codes/dossier-code.ts'
import { parseProcedureCode } from '../domain/codes/procedure-code.ts'
import type { EventType, InvoiceStatus } from '../domain/decision.ts'
import { eventText } from '../domain/event.ts'
import type { CatalogueSlice } from '../domain/fees/catalogue.ts'
import { makePayCode, payCodeRandomBytes } from '../domain/pay-code.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import { type Environment, newId } from '../environment.ts'
import type { FieldCipher } from '../personal/field-cipher.ts'
import { keepPersons } from '../personal/keep.ts'
import { problemCatalogue } from '../problem/catalogue.ts'
import { Problem } from '../problem/problem.ts'
import { refreshBaskets } from '../settlement/baskets.ts'
import type { TokenSigner } from '../signing/tokens.ts'
import { activeBeneficiaries, findAgencies } from '../store/agencies.ts'
import { takePlaces } from '../store/baskets.ts'
import type { Transaction } from '../store/database.ts'
import { appendEvents } from '../store/events.ts'
import { appendJournal } from '../store/journal.ts'
import { insertAll } from '../store/rows.ts'
import { changeInvoiceStatus } from './change-status.ts'
import { lockOpenInvoice } from './close.ts'
import { invoiceDocument } from './document.ts'
import {
  type AgencyReference,
  type PreparedInvoice,
  prepareByCreditor,
  prepareInvoice,
  type References,
} from './prepare.ts'
import type { CreditorsRequest, IssueRequest, Issuer } from './request.ts'

export type IssueContext = {
  /** Seals what is known of the persons beyond their names. */
  readonly cipher: FieldCipher
  readonly environment: Environment
  readonly sign: TokenSigner
  /** Our public address: the `iss` of signed invoices. */
  readonly publicUrl: string
}

/** Id of the issued invoice, or why there is none. In the order of the requests. */
export type IssueResult = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly problem: Problem }

const payTokenBytes = 24

export async function issueInvoices(
  tx: Transaction,
  context: IssueContext,
  issuer: Issuer,
  requests: readonly IssueRequest[],
  supersedes: { id: string; version: number } | null = null,
): Promise<IssueResult[]> {
  const now = context.environment.now()
  const references = await readReferences(tx, issuer, requests, now)
  const results: IssueResult[] = []
  const drafts: Draft[] = []
  for (const [index, request] of requests.entries()) {
    try {
      const draft = await makeDraft(prepareInvoice(request, issuer, references, now), context, now, supersedes)
      results[index] = { ok: true, id: draft.id }
      drafts.push(draft)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      results[index] = { ok: false, problem: error }
    }
  }
  const written = await writeDrafts(tx, context, issuer, drafts, now, supersedes)
  return results.map((result) =>
    result.ok && !written.has(result.id) ? { ok: false, problem: new Problem('INVOICE_ALREADY_OPEN') } : result,
  )
}

/**
 * Issues all of these demands or none, each divided into one invoice per creditor (docs/decisions/018). Returns the ids in the
 * order of the demands and of their items. Throws a `Problem` whose fields begin with the demand's place, `invoices[0]`.
 */
export async function issueByCreditor(
  tx: Transaction,
  context: IssueContext,
  issuer: Issuer,
  requests: readonly CreditorsRequest[],
): Promise<string[]> {
  const now = context.environment.now()
  const references = await readReferences(tx, issuer, requests, now)
  const drafts: { place: number; draft: Draft }[] = []
  for (const [place, request] of requests.entries()) {
    try {
      for (const prepared of prepareByCreditor(request, issuer, references, now))
        drafts.push({ place, draft: await makeDraft(prepared, context, now, null) })
    } catch (error) {
      throw error instanceof Problem ? problemAt(place, error) : error
    }
  }
  const written = await writeDrafts(
    tx,
    context,
    issuer,
    drafts.map(({ draft }) => draft),
    now,
    null,
  )
  const refused = drafts.find(({ draft }) => !written.has(draft.id))
  if (refused !== undefined) throw problemAt(refused.place, new Problem('INVOICE_ALREADY_OPEN'))
  return drafts.map(({ draft }) => draft.id)
}

/** The same problem, its fields under the place of the demand they belong to. */
function problemAt(place: number, problem: Problem): Problem {
  const at = `invoices[${place}]`
  const { titleVi, titleEn } = problemCatalogue[problem.code]
  const whole = {
    field: at,
    code: problem.code.toLowerCase(),
    vi: problem.detailVi ?? titleVi,
    en: problem.detailEn ?? titleEn,
  }
  return new Problem(problem.code, {
    ...(problem.detailVi === undefined ? {} : { vi: problem.detailVi }),
    ...(problem.detailEn === undefined ? {} : { en: problem.detailEn }),
    errors:
      problem.errors.length === 0
        ? [whole]
        : problem.errors.map((error) => ({ ...error, field: `${at}.${error.field}` })),
    cause: problem,
  })
}

/** A corrected invoice in the place of an open one (domain.md §6.2): next version, the old one closed in the same commit. */
export async function supersedeInvoice(
  tx: Transaction,
  context: IssueContext,
  issuer: Issuer,
  invoiceId: string,
  request: IssueRequest,
): Promise<string> {
  const old = await lockOpenInvoice(tx, issuer, invoiceId, context.environment.now())
  const dossier = parseDossierCode(request.dossierCode, context.environment.now())
  if (!dossier.ok || dossier.value.canonical !== old.dossierCode) {
    const vi = `Phải là hồ sơ ${old.dossierCode} của khoản thu được thay thế`
    const en = `Must be ${old.dossierCode}, the dossier of the invoice it replaces`
    throw new Problem('INVALID_REQUEST', { errors: [{ field: 'dossierCode', code: 'other_dossier', vi, en }] })
  }
  // Closed first, so that the new one may be the one open demand.
  await tx.query(`UPDATE invoices SET status = 'SUPERSEDED' WHERE id = $1`, [old.id])
  const [result] = await issueInvoices(tx, context, issuer, [request], old)
  if (result === undefined || !result.ok) throw result?.problem ?? new Problem('INTERNAL')
  await changeInvoiceStatus(tx, context.environment, {
    ids: [old.id],
    status: 'SUPERSEDED',
    event: 'invoice.superseded',
    actor: issuer.clientId,
    successorId: result.id,
  })
  return result.id
}

type Draft = {
  readonly id: string
  readonly version: number
  readonly status: InvoiceStatus
  readonly payCode: string
  readonly payToken: string
  readonly jws: string
  readonly prepared: PreparedInvoice
}

async function makeDraft(
  prepared: PreparedInvoice,
  { environment, sign, publicUrl }: IssueContext,
  now: Date,
  supersedes: { id: string; version: number } | null,
): Promise<Draft> {
  const id = newId(environment, 'inv')
  const version = (supersedes?.version ?? 0) + 1
  const payCode = makePayCode(environment.random(payCodeRandomBytes))
  const document = invoiceDocument(prepared, {
    issuer: publicUrl,
    id,
    version,
    supersedesId: supersedes?.id ?? null,
    payCode,
    issuedAt: now,
  })
  return {
    id,
    version,
    status: prepared.pricing.total === 0n ? 'WAIVED' : 'ISSUED',
    payCode,
    payToken: Buffer.from(environment.random(payTokenBytes)).toString('base64url'),
    jws: await sign(document, 'feegate-invoice+jws'),
    prepared,
  }
}

async function readReferences(
  tx: Transaction,
  issuer: Issuer,
  requests: readonly Pick<IssueRequest, 'procedureCode' | 'collectingAgencyCode' | 'resolvingAgencyCode'>[],
  now: Date,
): Promise<References> {
  const sent = [
    ...new Set(
      requests.flatMap(({ collectingAgencyCode, resolvingAgencyCode }) => [
        collectingAgencyCode,
        resolvingAgencyCode ?? collectingAgencyCode,
      ]),
    ),
  ]
  const codes = sent.flatMap((text) => {
    const parsed = canonicalCode(text, { vi: '', en: '' })
    return parsed.ok ? [parsed.value.canonical] : []
  })
  const agencies = await findAgencies(tx, issuer.tenantId, codes, businessDate(now))
  const payingCodes = agencies.map(({ paying }) => paying)
  const beneficiaries = await activeBeneficiaries(tx, issuer.tenantId, payingCodes)
  const slices = new Map<string, CatalogueSlice>()
  for (const text of new Set(requests.map(({ procedureCode }) => procedureCode))) {
    const parsed = parseProcedureCode(text)
    if (!parsed.ok || slices.has(parsed.value.nationalPart)) continue
    const slice = await readSlice(tx, issuer.tenantId, parsed.value.nationalPart)
    if (slice !== null) slices.set(parsed.value.nationalPart, slice)
  }
  const found = agencies.map(({ asked, code, paying }): [string, AgencyReference] => [
    asked,
    { code, payingCode: paying },
  ])
  return { agencies: new Map(found), beneficiaries, slices }
}

/** The ids that were written, with all that belongs to them. */
async function writeDrafts(
  tx: Transaction,
  context: IssueContext,
  issuer: Issuer,
  drafts: readonly Draft[],
  now: Date,
  supersedes: { id: string } | null,
): Promise<Set<string>> {
  const { environment } = context
  const written = await writeInvoices(tx, issuer, drafts, now, supersedes)
  await writeRest(
    tx,
    environment,
    issuer,
    drafts.filter(({ id }) => written.has(id)),
    now,
  )
  await keepPersons(
    tx,
    context,
    drafts.flatMap(({ id, prepared }) =>
      written.has(id) ? [{ tenantId: issuer.tenantId, invoiceId: id, persons: prepared.persons }] : [],
    ),
  )
  if (written.size > 0) await takePlaces(tx, [...written])
  // Nothing is owed in the place of what had lapsed: the basket may be done with it.
  const waived = drafts.filter(({ id, status }) => written.has(id) && status === 'WAIVED')
  await refreshBaskets(
    tx,
    environment,
    waived.map(({ id }) => id),
  )
  return written
}

/** The ids that were written; one that is missing would have been a second open demand for the same debt. */
async function writeInvoices(
  tx: Transaction,
  issuer: Issuer,
  drafts: readonly Draft[],
  now: Date,
  supersedes: { id: string } | null,
): Promise<Set<string>> {
  if (drafts.length === 0) return new Set()
  const rows = drafts.map(({ prepared, ...draft }) => ({
    id: draft.id,
    tenant_id: issuer.tenantId,
    client_id: issuer.clientId,
    version: draft.version,
    supersedes_id: supersedes?.id ?? null,
    dossier_code: prepared.dossierCode,
    obligation_key: prepared.obligationKey,
    procedure_code: prepared.procedureCode,
    online_service_code: prepared.onlineServiceCode,
    resolving_agency_code: prepared.resolvingAgencyCode,
    collecting_agency_code: prepared.collectingAgencyCode,
    beneficiary_account_id: prepared.beneficiary.id,
    collection_mode: prepared.request.collectionMode,
    // Names only: they stand on pages and receipts. All else is sealed apart.
    parties: Object.fromEntries(Object.entries(prepared.persons).map(([role, { name }]) => [role, { name }])),
    pricing: pricingRecord(prepared),
    total: prepared.pricing.total,
    currency: 'VND',
    status: draft.status,
    issued_at: now,
    due_at: prepared.dueAt,
    expires_at: prepared.expiresAt,
    price_valid_to: prepared.pricing.priceValidTo,
    pay_code: draft.payCode,
    pay_token: draft.payToken,
    return_url: prepared.request.returnUrl ?? null,
    jws: draft.jws,
    event_seq: 1,
    updated_at: now,
  }))
  return new Set(await insertAll(tx, 'invoices', rows, 'ON CONFLICT DO NOTHING RETURNING id'))
}

/** The inputs of the price, without the persons: the price can be explained for ever. */
function pricingRecord({ request, pricing }: PreparedInvoice): object {
  const { serviceCase, area, channel, payerGroups, eIdLevel, collectionMode, submittedOn, issuedOn } = pricing.inputs
  return {
    serviceCase,
    area,
    channel,
    payerGroups,
    eIdLevel,
    collectionMode,
    submittedOn,
    issuedOn,
    decidingDate: pricing.decidingDate,
    items: request.items,
  }
}

async function writeRest(
  tx: Transaction,
  environment: Environment,
  issuer: Issuer,
  drafts: readonly Draft[],
  now: Date,
): Promise<void> {
  await insertAll(
    tx,
    'invoice_items',
    drafts.flatMap(({ id, prepared }) =>
      prepared.pricing.items.map((item) => ({
        invoice_id: id,
        line_no: item.lineNo,
        rate_id: item.rateId,
        rate_version: item.rateVersion,
        kind: item.kind,
        name_vi: item.nameVi,
        quantity: item.quantity,
        unit_amount: item.unitAmount,
        gross: item.gross,
        adjustment_id: item.adjustmentId,
        adjustment_version: item.adjustmentVersion,
        reduction_amount: item.reductionAmount,
        net: item.net,
        economic_code: item.economicCode,
        chapter_code: item.chapterCode,
        creditor_tax_code: prepared.beneficiary.creditorTaxCode,
        tax_obligation_id: item.taxObligationId,
        basis: item.basis,
        decision: item.decision,
        refund_rule: item.refundRule,
      })),
    ),
  )
  await appendEvents(
    tx,
    drafts.map(({ id, version, status, payCode, prepared }) => {
      const eventId = newId(environment, 'evt')
      const type: EventType = status === 'WAIVED' ? 'invoice.waived' : 'invoice.issued'
      const { dossierCode, procedureCode, collectingAgencyCode, pricing } = prepared
      return {
        id: eventId,
        tenantId: issuer.tenantId,
        clientId: issuer.clientId,
        type,
        invoiceId: id,
        invoiceSeq: 1,
        createdAt: now,
        body: eventText({
          id: eventId,
          type,
          occurredAt: now,
          sequence: 1,
          invoice: {
            id,
            version,
            status,
            dossierCode,
            procedureCode,
            collectingAgencyCode,
            payCode,
            total: pricing.total,
            items: pricing.items,
          },
        }),
      }
    }),
  )
  await appendJournal(
    tx,
    drafts.map(({ id, version, status, prepared }) => ({
      tenantId: issuer.tenantId,
      at: now,
      kind: status === 'WAIVED' ? 'invoice.waived' : 'invoice.issued',
      subject: id,
      actor: issuer.clientId,
      facts: {
        version,
        dossierCode: prepared.dossierCode,
        total: prepared.pricing.total.toString(),
        beneficiaryAccountId: prepared.beneficiary.id,
      },
    })),
  )
}
