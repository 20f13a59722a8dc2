/** Receipts in the payer's hands: a page to show and print, and the signed document behind it. Reached by the invoice's token only. */
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ReceiptDocument } from '../../domain/receipt-document.ts'
import { Problem } from '../../problem/problem.ts'
import type { Database } from '../../store/database.ts'
import type { PageReceipt } from './page/receipt-links.ts'
import { receiptPage } from './page/receipt-page.ts'

const styleSheet = readFileSync(new URL('page/receipt.css', import.meta.url))
const params = z.object({
  token: z.string().regex(/^[A-Za-z0-9_-]{32}$/),
  receipt: z.string().regex(/^rcp_[0-9a-z]{26}$/),
})
const pageQuery = z.object({ lang: z.enum(['vi', 'en']).catch('vi').default('vi') })

/** What the payment page says about the receipts of an invoice, oldest first. */
export async function readPageReceipts(database: Pick<Database, 'query'>, invoiceId: string): Promise<PageReceipt[]> {
  return await database.query<PageReceipt>(
    `SELECT id, kind, symbol, number, relation FROM receipts WHERE invoice_id = $1 ORDER BY requested_at, kind, id`,
    [invoiceId],
  )
}

type Found = {
  readonly jws: string
  readonly status: string
  readonly provider_url: string | null
  readonly successors: { id: string; symbol: string; number: number; relation: string }[] | null
}

async function readReceipt(database: Pick<Database, 'query'>, token: string, id: string): Promise<Found> {
  const [found] = await database.query<Found>(
    `SELECT r.jws, r.status, r.provider_url,
            (SELECT json_agg(json_build_object('id', n.id, 'symbol', n.symbol, 'number', n.number, 'relation', n.relation) ORDER BY n.issued_at, n.number)
               FROM receipts n WHERE n.relates_to_id = r.id AND n.number IS NOT NULL) AS successors
       FROM receipts r JOIN invoices i ON i.id = r.invoice_id WHERE r.id = $1 AND i.pay_token = $2 AND r.jws IS NOT NULL`,
    [id, token],
  )
  if (found === undefined) throw new Problem('NOT_FOUND')
  return found
}

export function registerReceiptPages(scope: FastifyInstance, { database }: { readonly database: Database }): void {
  scope.get('/pay/assets/receipt.css', { schema: { hide: true } }, (_request, reply) =>
    reply.header('cache-control', 'public, max-age=3600').type('text/css; charset=utf-8').send(styleSheet),
  )
  scope.get('/pay/:token/receipts/:receipt', { schema: { hide: true } }, async (request, reply) => {
    const { token, receipt } = read(request.params)
    const { lang } = pageQuery.parse(request.query)
    const { jws, status, provider_url, successors } = await readReceipt(database, token, receipt)
    const page = receiptPage(
      {
        token,
        document: documentIn(jws),
        keyId: keyIn(jws),
        status,
        providerUrl: provider_url,
        successors: successors ?? [],
      },
      lang,
    )
    return reply.type('text/html; charset=utf-8').send(page)
  })
  scope.get('/pay/:token/receipts/:receipt/signed', { schema: { hide: true } }, async (request, reply) => {
    const { token, receipt } = read(request.params)
    const { jws } = await readReceipt(database, token, receipt)
    return reply
      .header('content-disposition', `attachment; filename="${receipt}.jws"`)
      .type('application/jose')
      .send(`${jws}\n`)
  })
}

/** A wrong address is an address that does not exist. */
function read(value: unknown): z.infer<typeof params> {
  const parsed = params.safeParse(value)
  if (!parsed.success) throw new Problem('NOT_FOUND')
  return parsed.data
}

/** Our own signed text: what is shown is what was signed. */
function documentIn(jws: string): ReceiptDocument {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'))
}

function keyIn(jws: string): string {
  const header: { kid: string } = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString('utf8'))
  return header.kid
}
