import { refusalsOf } from '../../domain/routing.ts'
import type { Environment } from '../../environment.ts'
import type { PaymentInstruction } from '../../payment/instruction.ts'
import type { RailAccounts } from '../../rails/accounts.ts'
import { qrOf, transferQrOf } from '../../rails/qr.ts'
import { offeredOf, type RailRoute, type Router } from '../../rails/router.ts'
import type { Database } from '../../store/database.ts'
import type { InvoicePage, PageItem } from './page/invoice-page.ts'
import type { Language } from './page/texts.ts'
import type { PageClosedRail, PageRail } from './page/ways-to-pay.ts'
import { readPageReceipts } from './receipts.ts'

type PageRow = {
  id: string
  tenant_id: string
  status: string
  collecting_agency_code: string
  agency_vi: string
  agency_en: string
  dossier_code: string
  procedure: string | null
  procedure_code: string
  parties: { payer?: { name?: string }; submitter?: { name?: string } }
  pay_code: string
  total: bigint
  expires_at: Date
  beneficiary_account_id: string
  paid_at: Date | null
  rail_transaction_id: string | null
  late_by_seconds: number | null
  return_url: string | null
  underpaid: bigint | null
  taken_back: boolean
  under_way: boolean
  last_failed: boolean
  items: {
    name: string
    quantity: number
    net: string
    reduction: string
    basis: { document?: string; article?: string }
  }[]
}

export type FoundInvoice = { readonly id: string; readonly page: InvoicePage }

/** Of an invoice `i` at the instant `$1`: is a bank busy with it, did the last attempt fail, what came that was too little? */
export const attemptFacts = `EXISTS (SELECT 1 FROM payments y WHERE y.invoice_id = i.id AND y.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN')
                       AND y.expires_at > $1 AND coalesce(y.instruction ->> 'kind', 'wait') <> 'qr') AS under_way,
            (SELECT y.status = 'FAILED' FROM payments y WHERE y.invoice_id = i.id ORDER BY y.id DESC LIMIT 1) IS TRUE AS last_failed,
            (SELECT sum(s.amount)::bigint FROM settlements s WHERE s.invoice_id = i.id AND s.disposition = 'UNDERPAID') AS underpaid`

/** What the payment page shows for a token; null when there is no such token. */
export async function readInvoicePage(
  { database, routes, environment }: { database: Database; routes: Router; environment: Environment },
  token: string,
  language: Language,
): Promise<FoundInvoice | null> {
  const now = environment.now()
  const [row] = await database.query<PageRow>(
    `SELECT i.id, i.tenant_id, i.status, i.collecting_agency_code, a.name_vi AS agency_vi, a.name_en AS agency_en, i.dossier_code, p.body ->> 'nameVi' AS procedure, i.procedure_code, i.parties,
            i.pay_code, i.total, i.expires_at, i.beneficiary_account_id, i.paid_at, i.late_by_seconds, i.return_url,
            (SELECT s.rail_transaction_id FROM settlements s WHERE s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')) AS rail_transaction_id,
            ${attemptFacts},
            EXISTS (SELECT 1 FROM settlements s JOIN settlements r ON r.rail_account_id = s.rail_account_id
                       AND r.rail_transaction_id = s.rail_transaction_id AND r.direction = 'OUT'
                     WHERE s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')) AS taken_back,
            (SELECT json_agg(json_build_object('name', t.name_vi, 'quantity', t.quantity, 'net', t.net::text, 'reduction', t.reduction_amount::text,
                       'basis', t.basis) ORDER BY t.line_no) FROM invoice_items t WHERE t.invoice_id = i.id) AS items
       FROM invoices i JOIN agencies a ON a.code = i.collecting_agency_code
       LEFT JOIN procedures p ON p.tenant_id = i.tenant_id AND p.code = i.procedure_code
      WHERE i.pay_token = $2`,
    [now, token],
  )
  if (row === undefined) return null
  const open = row.status === 'ISSUED' || row.status === 'PAYING'
  const decided = open
    ? await routes({
        tenantId: row.tenant_id,
        beneficiaryAccountId: row.beneficiary_account_id,
        agencyCode: row.collecting_agency_code,
        procedureCode: row.procedure_code,
        amount: row.total,
        channel: 'ONLINE',
        locale: language,
        invoiceId: row.id,
      })
    : []
  const offered = offeredOf(decided)
  const qrAccount = transferQrOf(offered)
  const qr =
    qrAccount === null
      ? null
      : qrOf(
          qrAccount,
          { payCode: row.pay_code, dossierCode: row.dossier_code, total: row.total, expiresAt: row.expires_at },
          now,
        )
  return {
    id: row.id,
    page: {
      token,
      // The invoice stays PAID; its payer must not read that it is.
      status: row.status === 'PAID' && row.taken_back ? 'TAKEN_BACK' : row.status,
      agencyName: language === 'en' ? row.agency_en : row.agency_vi,
      dossierCode: row.dossier_code,
      procedureName: row.procedure ?? row.procedure_code,
      payerName: row.parties.payer?.name ?? row.parties.submitter?.name ?? null,
      payCode: row.pay_code,
      items: row.items.map(pageItem),
      total: row.total,
      expiresAt: row.expires_at,
      paid:
        row.paid_at === null
          ? null
          : { at: row.paid_at, railTransactionId: row.rail_transaction_id ?? '', late: row.late_by_seconds !== null },
      underpaid: row.underpaid,
      attemptUnderWay: row.under_way,
      attemptFailed: row.last_failed,
      rails: offered.filter(({ account }) => account !== qrAccount).map((route) => pageRail(route, language)),
      closedRails: decided.flatMap((route) => closedRail(route, language)),
      qr: qr === null ? null : { payload: qr.payload, transfer: qr.transfer },
      receipts: row.paid_at === null ? [] : await readPageReceipts(database, row.id),
      returnUrl: row.return_url,
    },
  }
}

export type FoundAttempt = {
  readonly railTitle: string
  readonly instruction: PaymentInstruction
  readonly status: string
}

/** An attempt of the invoice with this token; null when it is another's. */
export async function readAttemptOf(
  database: Database,
  railAccounts: RailAccounts,
  token: string,
  paymentId: string,
  language: Language,
): Promise<FoundAttempt | null> {
  return await findAttempt(database, railAccounts, 'JOIN invoices o ON o.id = p.invoice_id', token, paymentId, language)
}

/** @param owners the join that leads from a payment `p` to what owns the token, `o` */
export async function findAttempt(
  database: Database,
  railAccounts: RailAccounts,
  owners: string,
  token: string,
  paymentId: string,
  language: Language,
): Promise<FoundAttempt | null> {
  const [row] = await database.query<{
    status: string
    instruction: PaymentInstruction | null
    rail_account_id: string
  }>(
    `SELECT p.status, p.instruction, p.rail_account_id FROM payments p ${owners} WHERE p.id = $1 AND o.pay_token = $2`,
    [paymentId, token],
  )
  if (row === undefined) return null
  const account = await railAccounts.get(row.rail_account_id)
  return {
    railTitle: (language === 'en' ? account?.titleEn : account?.titleVi) ?? '',
    instruction: row.instruction ?? { kind: 'wait' },
    status: row.status,
  }
}

function pageItem(item: PageRow['items'][number]): PageItem {
  const { document = '', article = '' } = item.basis
  return {
    name: item.name,
    quantity: item.quantity,
    net: BigInt(item.net),
    reduction: BigInt(item.reduction),
    basis: [document, article].filter((part) => part !== '').join(', '),
  }
}

function pageRail({ account, fees }: RailRoute, language: Language): PageRail {
  const payerFees = fees.filter(({ paidBy, amount }) => paidBy === 'PAYER' && amount > 0n)
  return {
    id: account.id,
    title: language === 'en' ? account.titleEn : account.titleVi,
    fees: payerFees.map(({ nameVi, nameEn, amount }) => ({ name: language === 'en' ? nameEn : nameVi, amount })),
    payerFields: (account.adapter.payerFields ?? []).map((field) => ({
      name: field.name,
      label: language === 'en' ? field.labelEn : field.labelVi,
      pattern: field.pattern,
      maxLength: field.maxLength,
      secret: field.secret,
    })),
  }
}

/** A rail that only time keeps away is named with its reason; one that is not for this demand at all is not. */
function closedRail(route: RailRoute, language: Language): PageClosedRail[] {
  const refusals = refusalsOf(route)
  if (refusals.length === 0 || refusals.some(({ passing }) => !passing)) return []
  const { account } = route
  return [
    {
      title: language === 'en' ? account.titleEn : account.titleVi,
      reason: refusals.map(({ vi, en }) => (language === 'en' ? en : vi)).join(' '),
    },
  ]
}
