import type { Environment } from '../../environment.ts'
import type { RailAccounts } from '../../rails/accounts.ts'
import type { Router } from '../../rails/router.ts'
import { readBasketByToken } from '../../store/baskets.ts'
import type { Database } from '../../store/database.ts'
import { type BasketPage, type BasketRow, nextLine } from './page/basket-page.ts'
import type { Language } from './page/texts.ts'
import { attemptFacts, type FoundAttempt, findAttempt, readInvoicePage } from './read.ts'

type RowFacts = {
  id: string
  title: string
  creditor_name: string
  underpaid: bigint | null
  under_way: boolean
  last_failed: boolean
}

/** What the page of a basket shows for a token; null when there is no such token. `wanted` is the line the payer has chosen. */
export async function readBasketPage(
  options: { database: Database; routes: Router; environment: Environment },
  token: string,
  language: Language,
  wanted: number | null,
): Promise<BasketPage | null> {
  const { database, environment } = options
  const basket = await readBasketByToken(database, token)
  if (basket === null) return null
  const facts = await database.query<RowFacts>(
    `SELECT i.id, b.creditor_name, ${attemptFacts},
            (SELECT string_agg(t.name_vi, '; ' ORDER BY t.line_no) FROM invoice_items t WHERE t.invoice_id = i.id) AS title
       FROM invoices i JOIN beneficiary_accounts b ON b.id = i.beneficiary_account_id WHERE i.id = ANY ($2)`,
    [environment.now(), basket.invoices.map(({ id }) => id)],
  )
  const byId = new Map(facts.map((row) => [row.id, row]))
  const rows = basket.invoices.map((invoice): BasketRow => {
    const row = byId.get(invoice.id)
    const open = invoice.status === 'ISSUED' || invoice.status === 'PAYING'
    return {
      ...invoice,
      title: row?.title ?? '',
      creditorName: row?.creditor_name ?? '',
      underpaid: open ? (row?.underpaid ?? null) : null,
      attemptUnderWay: open && row?.under_way === true,
      attemptFailed: open && row?.last_failed === true,
    }
  })
  const lineNo = nextLine(rows, wanted)
  const current = basket.invoices.find(
    (invoice) => invoice.lineNo === lineNo && (invoice.status === 'ISSUED' || invoice.status === 'PAYING'),
  )
  const found = current === undefined ? null : await readInvoicePage(options, current.payToken, language)
  return {
    token,
    rows,
    current: found === null || lineNo === null ? null : { lineNo, invoiceId: found.id, page: found.page },
    returnUrl: basket.returnUrl,
  }
}

/** An attempt of an invoice in the basket with this token; null when it is another's. */
export async function readBasketAttempt(
  database: Database,
  railAccounts: RailAccounts,
  token: string,
  paymentId: string,
  language: Language,
): Promise<FoundAttempt | null> {
  return await findAttempt(
    database,
    railAccounts,
    `JOIN basket_invoices m ON m.invoice_id = p.invoice_id JOIN baskets o ON o.id = m.basket_id`,
    token,
    paymentId,
    language,
  )
}
