import type { Environment } from '../../environment.ts'
import type { PaymentInstruction } from '../../payment/instruction.ts'
import { type OpenRailAccount, type RailAccounts, takesAmount } from '../../rails/accounts.ts'
import { qrOf } from '../../rails/qr.ts'
import type { Database } from '../../store/database.ts'
import type { InvoicePage, PageItem, PageRail } from './page/invoice-page.ts'
import type { Language } from './page/texts.ts'

type PageRow = {
  id: string
  status: string
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

/** What the payment page shows for a token; null when there is no such token. */
export async function readInvoicePage(
  { database, railAccounts, environment }: { database: Database; railAccounts: RailAccounts; environment: Environment },
  token: string,
  language: Language,
): Promise<FoundInvoice | null> {
  const now = environment.now()
  const [row] = await database.query<PageRow>(
    `SELECT i.id, i.status, a.name_vi AS agency_vi, a.name_en AS agency_en, i.dossier_code, p.body ->> 'nameVi' AS procedure, i.procedure_code, i.parties,
            i.pay_code, i.total, i.expires_at, i.beneficiary_account_id, i.paid_at, i.late_by_seconds, i.return_url,
            (SELECT s.rail_transaction_id FROM settlements s WHERE s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')) AS rail_transaction_id,
            EXISTS (SELECT 1 FROM settlements s JOIN settlements r ON r.rail_account_id = s.rail_account_id
                       AND r.rail_transaction_id = s.rail_transaction_id AND r.direction = 'OUT'
                     WHERE s.invoice_id = i.id AND s.disposition IN ('APPLIED', 'OVERPAID')) AS taken_back,
            EXISTS (SELECT 1 FROM payments y WHERE y.invoice_id = i.id AND y.status IN ('CREATED', 'REDIRECTED', 'UNKNOWN')
                       AND y.expires_at > $2 AND coalesce(y.instruction ->> 'kind', 'wait') <> 'qr') AS under_way,
            (SELECT y.status = 'FAILED' FROM payments y WHERE y.invoice_id = i.id ORDER BY y.id DESC LIMIT 1) IS TRUE AS last_failed,
            (SELECT json_agg(json_build_object('name', t.name_vi, 'quantity', t.quantity, 'net', t.net::text, 'reduction', t.reduction_amount::text,
                       'basis', t.basis) ORDER BY t.line_no) FROM invoice_items t WHERE t.invoice_id = i.id) AS items
       FROM invoices i JOIN agencies a ON a.code = i.collecting_agency_code
       LEFT JOIN procedures p ON p.tenant_id = i.tenant_id AND p.code = i.procedure_code
      WHERE i.pay_token = $1`,
    [token, now],
  )
  if (row === undefined) return null
  const open = row.status === 'ISSUED' || row.status === 'PAYING'
  const offered = open
    ? (await railAccounts.offeredFor(row.beneficiary_account_id)).filter((account) => takesAmount(account, row.total))
    : []
  const qrAccount = offered.find(
    (account) => account.adapter.channels.includes('QR') && account.adapter.capabilities.transfer,
  )
  const qr =
    qrAccount === undefined
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
      attemptUnderWay: row.under_way,
      attemptFailed: row.last_failed,
      rails: offered
        .filter((account) => account !== qrAccount && account.adapter.capabilities.start)
        .map((account) => pageRail(account, language)),
      qr: qr === null ? null : { payload: qr.payload, ...qr.transfer },
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
  const [row] = await database.query<{
    status: string
    instruction: PaymentInstruction | null
    rail_account_id: string
  }>(
    'SELECT p.status, p.instruction, p.rail_account_id FROM payments p JOIN invoices i ON i.id = p.invoice_id WHERE p.id = $1 AND i.pay_token = $2',
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

function pageRail(account: OpenRailAccount, language: Language): PageRail {
  return {
    id: account.id,
    title: language === 'en' ? account.titleEn : account.titleVi,
    payerFields: (account.adapter.payerFields ?? []).map((field) => ({
      name: field.name,
      label: language === 'en' ? field.labelEn : field.labelVi,
      pattern: field.pattern,
      maxLength: field.maxLength,
      secret: field.secret,
    })),
  }
}
