import type { BasketMember, BasketStatus } from '../domain/basket.ts'
import type { InvoiceStatus } from '../domain/decision.ts'
import type { Database, Transaction } from './database.ts'
import type { InvoiceOwner } from './invoices.ts'
import { insertAll, rowsToJson } from './rows.ts'

type Source = Pick<Database | Transaction, 'query'>

export type BasketInvoice = BasketMember & {
  readonly dossierCode: string
  readonly procedureCode: string
  readonly collectingAgencyCode: string
  readonly payCode: string
  readonly payToken: string
  readonly expiresAt: Date
  readonly paidAt: Date | null
}

export type BasketRecord = {
  readonly id: string
  readonly tenantId: string
  readonly clientId: string
  readonly status: BasketStatus
  readonly payToken: string
  readonly returnUrl: string | null
  readonly createdAt: Date
  readonly paidAt: Date | null
  readonly invoices: readonly BasketInvoice[]
}

export type BasketFilter = {
  readonly ids?: readonly string[]
  readonly status?: BasketStatus
  readonly dossierCode?: string
  readonly invoiceId?: string
  /** Ids below this one: the list runs from the newest to the oldest. */
  readonly before?: string
  readonly limit: number
}

type BasketRow = Omit<BasketRecord, 'invoices'>

const columns = `b.id, b.tenant_id AS "tenantId", b.client_id AS "clientId", b.status, b.pay_token AS "payToken", b.return_url AS "returnUrl",
                 b.created_at AS "createdAt", b.paid_at AS "paidAt"`

/** Baskets of one owner, newest first. */
export async function readBaskets(source: Source, owner: InvoiceOwner, filter: BasketFilter): Promise<BasketRecord[]> {
  const rows = await source.query<BasketRow>(
    `SELECT ${columns} FROM baskets b
      WHERE b.tenant_id = $1 AND b.client_id = $2
        AND ($3::text[] IS NULL OR b.id = ANY ($3))
        AND ($4::text IS NULL OR b.status = $4)
        AND ($5::text IS NULL OR EXISTS (SELECT 1 FROM basket_invoices m JOIN invoices i ON i.id = m.invoice_id
                                          WHERE m.basket_id = b.id AND i.dossier_code = $5))
        AND ($6::text IS NULL OR EXISTS (SELECT 1 FROM basket_invoices m WHERE m.basket_id = b.id AND m.invoice_id = $6))
        AND ($7::text IS NULL OR b.id < $7)
      ORDER BY b.id DESC LIMIT $8`,
    [
      owner.tenantId,
      owner.clientId,
      filter.ids ?? null,
      filter.status ?? null,
      filter.dossierCode ?? null,
      filter.invoiceId ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  )
  return await withInvoices(source, rows)
}

/** The basket a payer's link names; null when there is none. */
export async function readBasketByToken(source: Source, payToken: string): Promise<BasketRecord | null> {
  const rows = await source.query<BasketRow>(`SELECT ${columns} FROM baskets b WHERE b.pay_token = $1`, [payToken])
  const [basket] = await withInvoices(source, rows)
  return basket ?? null
}

/**
 * Locks the baskets that hold one of these invoices and are not done, in id order. Whoever asks holds the invoices' row locks:
 * baskets come after invoices in the lock order, so of two who finish a basket together the second sees what the first has done.
 */
export async function lockUnfinishedBaskets(tx: Transaction, invoiceIds: readonly string[]): Promise<BasketRecord[]> {
  const rows = await tx.query<BasketRow>(
    `SELECT ${columns} FROM baskets b
      WHERE b.status IN ('OPEN', 'PARTLY_PAID') AND b.id IN (SELECT basket_id FROM basket_invoices WHERE invoice_id = ANY ($1))
      -- Not FOR UPDATE: an invoice that joins a basket refers to its row.
      ORDER BY b.id FOR NO KEY UPDATE`,
    [invoiceIds],
  )
  return await withInvoices(tx, rows)
}

export async function insertBasket(
  tx: Transaction,
  basket: BasketRow,
  invoices: readonly { readonly id: string; readonly lineNo: number }[],
): Promise<void> {
  await insertAll(tx, 'baskets', [
    {
      id: basket.id,
      tenant_id: basket.tenantId,
      client_id: basket.clientId,
      status: basket.status,
      pay_token: basket.payToken,
      return_url: basket.returnUrl,
      paid_at: basket.paidAt,
      created_at: basket.createdAt,
      updated_at: basket.createdAt,
    },
  ])
  await insertAll(
    tx,
    'basket_invoices',
    invoices.map(({ id, lineNo }) => ({
      basket_id: basket.id,
      invoice_id: id,
      tenant_id: basket.tenantId,
      line_no: lineNo,
    })),
  )
}

/** Changes the state of locked baskets. */
export async function setBasketStatus(
  tx: Transaction,
  changes: readonly { readonly id: string; readonly status: BasketStatus; readonly paidAt: Date | null }[],
  now: Date,
): Promise<void> {
  await tx.query(
    `UPDATE baskets b SET status = c.status, paid_at = c."paidAt", updated_at = $2
       FROM json_to_recordset($1::json) AS c(id text, status text, "paidAt" timestamptz) WHERE b.id = c.id`,
    [rowsToJson(changes), now],
  )
}

/**
 * New invoices take the place of those they follow in every unfinished basket: of the one they supersede, and of an expired one
 * for the same obligations. The payer's link stays good.
 */
export async function takePlaces(tx: Transaction, invoiceIds: readonly string[]): Promise<void> {
  await tx.query(
    `WITH followed AS (
       SELECT n.id AS invoice_id, n.tenant_id, m.basket_id, m.line_no
         FROM invoices n
         JOIN invoices o ON o.tenant_id = n.tenant_id AND o.dossier_code = n.dossier_code AND o.client_id = n.client_id AND o.id <> n.id
          AND (o.id = n.supersedes_id OR (o.status = 'EXPIRED' AND o.obligation_key = n.obligation_key))
         JOIN basket_invoices m ON m.invoice_id = o.id
        WHERE n.id = ANY ($1)),
     held AS (
       SELECT b.id FROM baskets b WHERE b.id IN (SELECT basket_id FROM followed) AND b.status IN ('OPEN', 'PARTLY_PAID')
        ORDER BY b.id FOR NO KEY UPDATE)
     INSERT INTO basket_invoices (basket_id, invoice_id, tenant_id, line_no)
     SELECT DISTINCT f.basket_id, f.invoice_id, f.tenant_id, f.line_no FROM followed f JOIN held h ON h.id = f.basket_id
     ON CONFLICT DO NOTHING`,
    [invoiceIds],
  )
}

async function withInvoices(source: Source, baskets: readonly BasketRow[]): Promise<BasketRecord[]> {
  if (baskets.length === 0) return []
  const invoices = await source.query<BasketInvoice & { basketId: string; status: InvoiceStatus }>(
    `SELECT m.basket_id AS "basketId", m.line_no AS "lineNo", i.id, i.status, i.total, i.dossier_code AS "dossierCode",
            i.procedure_code AS "procedureCode", i.collecting_agency_code AS "collectingAgencyCode", i.pay_code AS "payCode",
            i.pay_token AS "payToken", i.expires_at AS "expiresAt", i.paid_at AS "paidAt"
       FROM basket_invoices m JOIN invoices i ON i.id = m.invoice_id
      WHERE m.basket_id = ANY ($1) ORDER BY m.basket_id, m.line_no, i.version, i.issued_at, i.id`,
    [baskets.map(({ id }) => id)],
  )
  const byBasket = Map.groupBy(invoices, ({ basketId }) => basketId)
  return baskets.map((basket) => ({
    ...basket,
    invoices: (byBasket.get(basket.id) ?? []).map(({ basketId: _basketId, ...invoice }) => invoice),
  }))
}
