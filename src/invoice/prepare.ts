/**
 * From a portal's request to an invoice ready to be written: codes read, agency and account found, fees priced, content signed.
 * Reads nothing itself: `references` holds all that was looked up, so a thousand invoices cost the same few queries as one.
 */

import { createHash } from 'node:crypto'
import { parseAgencyCode } from '../domain/codes/agency-code.ts'
import { parseDossierCode } from '../domain/codes/dossier-code.ts'
import { parseIdentityNumber } from '../domain/codes/identity-number.ts'
import { parseOnlineServiceCode } from '../domain/codes/online-service-code.ts'
import { parsePhone } from '../domain/codes/phone.ts'
import { parseProcedureCode } from '../domain/codes/procedure-code.ts'
import type { Parsed } from '../domain/codes/result.ts'
import { parseTaxCode } from '../domain/codes/tax-code.ts'
import type { CatalogueSlice } from '../domain/fees/catalogue.ts'
import { checkItems } from '../domain/fees/check-items.ts'
import { type PricedItem, type PriceLine, type Pricing, priceItems } from '../domain/fees/price.ts'
import { businessDate } from '../domain/vietnam-time.ts'
import type { PersonFields } from '../personal/keep.ts'
import { type FieldError, Problem } from '../problem/problem.ts'
import type { BeneficiaryAccount } from '../store/agencies.ts'
import type { CreditorsRequest, IssueRequest, Issuer, PersonRequest } from './request.ts'

export type AgencyReference = { readonly code: string; readonly payingCode: string }
export type References = {
  /** By the code or alias that was sent. `payingCode` is the successor whose account is paid (domain.md §4, mergers). */
  readonly agencies: ReadonlyMap<string, AgencyReference>
  readonly beneficiaries: readonly BeneficiaryAccount[]
  /** By national part of the procedure code. */
  readonly slices: ReadonlyMap<string, CatalogueSlice>
}

export type Person = PersonFields & { readonly name: string }

export type PreparedInvoice = {
  readonly request: IssueRequest
  readonly dossierCode: string
  readonly procedureCode: string
  readonly onlineServiceCode: string | null
  readonly collectingAgencyCode: string
  readonly resolvingAgencyCode: string
  readonly beneficiary: BeneficiaryAccount
  readonly obligationKey: string
  readonly pricing: Pricing
  readonly persons: Readonly<Record<string, Person>>
  readonly dueAt: Date | null
  readonly expiresAt: Date
}

const unknownAgency = 'unknown_agency'
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const shortestLifeMs = 15 * minuteMs
const defaultLifeMs = 7 * dayMs
const longestLifeMs = 90 * dayMs

/** Throws a `Problem` that names each wrong field. */
export function prepareInvoice(
  request: IssueRequest,
  issuer: Issuer,
  references: References,
  now: Date,
): PreparedInvoice {
  const { collecting, ...demand } = readDemand(request, issuer, references, now)
  return { ...demand, beneficiary: findBeneficiary(request, collecting, demand.pricing.items, references) }
}

/** One invoice per creditor, in the order in which the items first name them. Throws as `prepareInvoice`, lines counted in the whole. */
export function prepareByCreditor(
  { beneficiaryAccountIds = {}, ...request }: CreditorsRequest,
  issuer: Issuer,
  references: References,
  now: Date,
): PreparedInvoice[] {
  const { items } = readDemand(request, issuer, references, now).pricing
  return [...Map.groupBy(items, ({ creditor }) => creditor)].map(([creditor, owed]) => {
    const lines = new Set(owed.map(({ lineNo }) => lineNo))
    const part = { ...request, items: request.items.filter((_, index) => lines.has(index + 1)) }
    try {
      return prepareInvoice({ ...part, beneficiaryAccountId: beneficiaryAccountIds[creditor] }, issuer, references, now)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const errors = error.errors.map((fault) =>
        fault.field === 'beneficiaryAccountId' ? { ...fault, field: `beneficiaryAccountIds.${creditor}` } : fault,
      )
      throw new Problem(error.code, { errors, cause: error })
    }
  })
}

function readDemand(
  request: IssueRequest,
  issuer: Issuer,
  references: References,
  now: Date,
): Omit<PreparedInvoice, 'beneficiary'> & { readonly collecting: AgencyReference } {
  const errors: FieldError[] = []
  const dossier = read(parseDossierCode(request.dossierCode, now), 'dossierCode', errors)
  const procedure = read(parseProcedureCode(request.procedureCode), 'procedureCode', errors)
  const onlineService = optional(request.onlineServiceCode, parseOnlineServiceCode, 'onlineServiceCode', errors)
  const collecting = findAgency(request.collectingAgencyCode, 'collectingAgencyCode', references, errors)
  const resolving =
    request.resolvingAgencyCode === undefined
      ? collecting
      : findAgency(request.resolvingAgencyCode, 'resolvingAgencyCode', references, errors)
  const persons = Object.fromEntries(
    (['submitter', 'dossierOwner', 'payer'] as const).flatMap((role) => {
      const person = request[role]
      return person === undefined ? [] : [[role, readPerson(person, role, errors)]]
    }),
  )
  const { dueAt, expiresAt } = readTimes(request, now, errors)
  if (errors.length > 0 && errors.every(({ code }) => code === unknownAgency))
    throw new Problem('UNKNOWN_AGENCY', { errors })
  if (dossier === null || procedure === null || collecting === null || resolving === null || errors.length > 0)
    throw new Problem('INVALID_REQUEST', { errors })
  if (issuer.agencyCodes.length > 0 && !issuer.agencyCodes.includes(collecting.code))
    throw new Problem('AGENCY_NOT_YOURS')
  checkReturnUrl(request.returnUrl, issuer)
  const slice = references.slices.get(procedure.nationalPart)
  if (slice === undefined) {
    throw new Problem('UNKNOWN_PROCEDURE', {
      errors: [
        {
          field: 'procedureCode',
          code: 'unknown',
          vi: 'Thủ tục không có trong danh mục phí',
          en: 'The procedure is not in the fee catalogue',
        },
      ],
    })
  }
  const pricing = price(request, slice, submissionDay(request, dossier.receivedOn, now), now)
  return {
    request,
    collecting,
    dossierCode: dossier.canonical,
    procedureCode: procedure.nationalPart,
    onlineServiceCode: onlineService?.canonical ?? null,
    collectingAgencyCode: collecting.code,
    resolvingAgencyCode: resolving.code,
    obligationKey: obligationKey(pricing.items),
    pricing,
    persons,
    dueAt,
    expiresAt,
  }
}

/** A payer is led back only to where the client is at home. */
export function checkReturnUrl(returnUrl: string | undefined, { returnOrigins }: Pick<Issuer, 'returnOrigins'>): void {
  if (returnUrl === undefined || returnOrigins.includes(new URL(returnUrl).origin)) return
  const vi = 'Địa chỉ chưa đăng ký cho ứng dụng này'
  const en = 'This origin is not registered for the client'
  throw new Problem('RETURN_URL_NOT_ALLOWED', { errors: [{ field: 'returnUrl', code: 'origin', vi, en }] })
}

/** A dossier is registered within this many days of its submission. */
const longestRegistrationDays = 30

/**
 * The day that fixes an up-front price. The dossier code carries the day it was received, so a portal cannot choose an old
 * day to buy at a price that has ended.
 */
function submissionDay(request: IssueRequest, receivedOn: string, now: Date): string {
  const today = businessDate(now)
  const received = receivedOn < today ? receivedOn : today
  if (request.submittedOn === undefined) return received
  const earliest = businessDate(new Date(new Date(`${received}T00:00:00Z`).getTime() - longestRegistrationDays * dayMs))
  if (request.submittedOn < earliest || request.submittedOn > received) {
    const vi = `Phải từ ${earliest} đến ${received}: mã hồ sơ ghi ngày tiếp nhận ${receivedOn}`
    const en = `Must be from ${earliest} to ${received}: the dossier code says it was received on ${receivedOn}`
    throw new Problem('INVALID_REQUEST', { errors: [{ field: 'submittedOn', code: 'range', vi, en }] })
  }
  return request.submittedOn
}

function price(request: IssueRequest, slice: CatalogueSlice, submittedOn: string, now: Date): Pricing {
  const issuedOn = businessDate(now)
  const lines = request.items.map((item): PriceLine => {
    if ('decision' in item) {
      const { kind, nameVi, amount, economicCode, chapterCode, taxObligationId, decision } = item
      return {
        kind,
        nameVi,
        amount: BigInt(amount),
        economicCode,
        chapterCode: chapterCode ?? null,
        taxObligationId: taxObligationId ?? null,
        decision,
      }
    }
    const measure = {
      quantity: item.quantity,
      copies: item.copies ?? null,
      baseAmount: item.baseAmount === undefined ? null : BigInt(item.baseAmount),
    }
    return 'rateId' in item ? { rateId: item.rateId, ...measure } : { feeCode: item.feeCode, ...measure }
  })
  const pricing = priceItems(slice, {
    procedureCode: request.procedureCode,
    serviceCase: request.serviceCase ?? null,
    area: request.area ?? null,
    channel: request.channel,
    payerGroups: request.payerGroups,
    eIdLevel: request.eIdLevel ?? null,
    collectionMode: request.collectionMode,
    submittedOn,
    issuedOn,
    lines,
  })
  if (!pricing.ok) {
    const field = pricing.lineNo === null ? 'items' : `items[${pricing.lineNo - 1}]`
    throw new Problem('FEE_REFUSED', {
      vi: pricing.messageVi,
      en: pricing.messageEn,
      errors: [{ field, code: pricing.code, vi: pricing.messageVi, en: pricing.messageEn }],
    })
  }
  const check = checkItems(
    request.items.map((item) => ({ amount: item.amount === undefined ? undefined : BigInt(item.amount) })),
    pricing.items,
  )
  if (!check.ok) {
    const field = check.lineNo === null ? 'items' : `items[${check.lineNo - 1}].${check.field}`
    throw new Problem('PRICE_MISMATCH', {
      vi: check.messageVi,
      en: check.messageEn,
      errors: [{ field, code: 'differs', vi: check.messageVi, en: check.messageEn }],
    })
  }
  return pricing
}

/** One invoice pays one account: items of different creditors are demanded by different invoices (docs/decisions/002). */
function findBeneficiary(
  request: IssueRequest,
  collecting: AgencyReference,
  items: readonly PricedItem[],
  references: References,
): BeneficiaryAccount {
  const creditors = [...new Set(items.map(({ creditor }) => creditor))]
  const [creditor] = creditors
  if (creditor === undefined || creditors.length > 1) {
    const vi =
      'Các khoản thuộc nhiều người thụ hưởng, mỗi khoản thu chỉ trả cho một: dùng POST /v1/baskets/issue để lập đủ trong một lần gọi.'
    const en =
      'The items belong to several creditors, and an invoice pays one: POST /v1/baskets/issue issues one for each in one call.'
    throw new Problem('INVALID_REQUEST', { vi, en, errors: [{ field: 'items', code: 'several_creditors', vi, en }] })
  }
  const accounts = references.beneficiaries.filter(
    (account) => account.agencyCode === collecting.payingCode && account.creditor === creditor,
  )
  const account =
    request.beneficiaryAccountId === undefined
      ? accounts.length === 1
        ? accounts[0]
        : undefined
      : accounts.find(({ id }) => id === request.beneficiaryAccountId)
  if (account !== undefined) return account
  if (accounts.length === 0)
    throw new Problem('NO_BENEFICIARY_ACCOUNT', {
      errors: [
        {
          field: 'collectingAgencyCode',
          code: 'no_account',
          vi: 'Cơ quan chưa có tài khoản thụ hưởng cho loại khoản thu này',
          en: 'The agency has no beneficiary account for this kind of item',
        },
      ],
    })
  throw new Problem('INVALID_REQUEST', {
    errors: [
      {
        field: 'beneficiaryAccountId',
        code: 'choose',
        vi: `Chọn một trong: ${accounts.map(({ id }) => id).join(', ')}`,
        en: `Choose one of: ${accounts.map(({ id }) => id).join(', ')}`,
      },
    ],
  })
}

/** What is owed, whatever it costs: two open invoices with the same key would demand one debt twice. */
function obligationKey(items: readonly PricedItem[]): string {
  const parts = items.map((item) =>
    item.decision === null
      ? `fee ${item.feeCode}`
      : `decision ${item.decision.number} ${item.economicCode} ${item.taxObligationId ?? ''}`,
  )
  return createHash('sha256').update(parts.sort().join('\n')).digest('hex')
}

function findAgency(text: string, field: string, references: References, errors: FieldError[]): AgencyReference | null {
  const parsed = read(parseAgencyCode(text), field, errors)
  if (parsed === null) return null
  const agency = references.agencies.get(parsed.canonical)
  if (agency === undefined)
    errors.push({
      field,
      code: unknownAgency,
      vi: 'Cơ quan không có trong danh mục',
      en: 'The agency is not on record',
    })
  return agency ?? null
}

function readPerson(person: PersonRequest, role: string, errors: FieldError[]): Person {
  return {
    name: person.name.normalize('NFC'),
    personalId: optional(person.personalId, parseIdentityNumber, `${role}.personalId`, errors)?.canonical,
    taxCode: optional(person.taxCode, parseTaxCode, `${role}.taxCode`, errors)?.canonical,
    phone: optional(person.phone, parsePhone, `${role}.phone`, errors)?.canonical,
    address: person.address?.normalize('NFC'),
  }
}

function readTimes(request: IssueRequest, now: Date, errors: FieldError[]): { dueAt: Date | null; expiresAt: Date } {
  const expiresAt =
    request.expiresAt === undefined ? new Date(now.getTime() + defaultLifeMs) : new Date(request.expiresAt)
  const life = expiresAt.getTime() - now.getTime()
  if (life < shortestLifeMs || life > longestLifeMs)
    errors.push({
      field: 'expiresAt',
      code: 'range',
      vi: 'Phải từ 15 phút đến 90 ngày kể từ bây giờ',
      en: 'Must be between 15 minutes and 90 days from now',
    })
  const dueAt = request.dueAt === undefined ? null : new Date(request.dueAt)
  if (dueAt !== null && (dueAt > expiresAt || dueAt < now))
    errors.push({
      field: 'dueAt',
      code: 'range',
      vi: 'Phải từ bây giờ đến lúc hết hạn',
      en: 'Must be between now and expiresAt',
    })
  return { dueAt, expiresAt }
}

function read<Value>(parsed: Parsed<Value>, field: string, errors: FieldError[]): Value | null {
  if (parsed.ok) return parsed.value
  errors.push({ field, code: parsed.code.toLowerCase(), vi: parsed.messageVi, en: parsed.messageEn })
  return null
}

function optional<Value>(
  text: string | undefined,
  parse: (text: string) => Parsed<Value>,
  field: string,
  errors: FieldError[],
): Value | null {
  return text === undefined ? null : read(parse(text), field, errors)
}
