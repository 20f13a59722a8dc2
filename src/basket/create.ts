/** Putting invoices into one basket: of invoices that are there, or of demands that are issued in the same commit. */
import { type BasketMember, basketSums } from '../domain/basket.ts'
import type { InvoiceStatus } from '../domain/decision.ts'
import { type Environment, newId } from '../environment.ts'
import { type IssueContext, issueByCreditor } from '../invoice/issue.ts'
import { checkReturnUrl } from '../invoice/prepare.ts'
import type { CreditorsRequest, Issuer } from '../invoice/request.ts'
import { type FieldError, Problem } from '../problem/problem.ts'
import { insertBasket } from '../store/baskets.ts'
import type { Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'

const payTokenBytes = 24

/** A basket of open invoices of this client. Returns its id. Throws a `Problem` that names each invoice that cannot be in it. */
export async function createBasket(
  tx: Transaction,
  environment: Environment,
  issuer: Issuer,
  { invoiceIds, returnUrl }: { readonly invoiceIds: readonly string[]; readonly returnUrl?: string | undefined },
): Promise<string> {
  checkReturnUrl(returnUrl, issuer)
  const members = await lockMembers(tx, issuer, invoiceIds)
  const closed = members.flatMap(({ status }, index): FieldError[] =>
    status === 'ISSUED' || status === 'PAYING'
      ? []
      : [
          {
            field: `invoiceIds[${index}]`,
            code: 'not_open',
            vi: `Khoản thu đang ở trạng thái ${status}`,
            en: `The invoice is ${status}`,
          },
        ],
  )
  if (closed.length > 0) throw new Problem('INVOICE_NOT_OPEN', { errors: closed })
  return await writeBasket(tx, environment, issuer, members, returnUrl)
}

/** Issues demands, one invoice per creditor, and their basket: all of it or nothing. */
export async function issueBasket(
  tx: Transaction,
  context: IssueContext,
  issuer: Issuer,
  { invoices, returnUrl }: { readonly invoices: readonly CreditorsRequest[]; readonly returnUrl?: string | undefined },
): Promise<{ basketId: string; invoiceIds: readonly string[] }> {
  checkReturnUrl(returnUrl, issuer)
  const invoiceIds = await issueByCreditor(tx, context, issuer, invoices)
  const members = await lockMembers(tx, issuer, invoiceIds)
  return { basketId: await writeBasket(tx, context.environment, issuer, members, returnUrl), invoiceIds }
}

async function writeBasket(
  tx: Transaction,
  environment: Environment,
  { tenantId, clientId }: Issuer,
  members: readonly BasketMember[],
  returnUrl: string | undefined,
): Promise<string> {
  const now = environment.now()
  const id = newId(environment, 'bsk')
  const { status, owed } = basketSums(members)
  await insertBasket(
    tx,
    {
      id,
      tenantId,
      clientId,
      status,
      payToken: Buffer.from(environment.random(payTokenBytes)).toString('base64url'),
      returnUrl: returnUrl ?? null,
      createdAt: now,
      paidAt: null,
    },
    members,
  )
  await appendJournal(tx, [
    {
      tenantId,
      at: now,
      kind: 'basket.created',
      subject: id,
      actor: clientId,
      facts: { invoices: members.length, owed: owed.toString() },
    },
  ])
  return id
}

/** Locks the invoices, as any change of them does, so that none is paid or closed unseen while the basket is made. In the order asked. */
async function lockMembers(
  tx: Transaction,
  { tenantId, clientId }: Issuer,
  invoiceIds: readonly string[],
): Promise<BasketMember[]> {
  const rows = await tx.query<{ id: string; status: InvoiceStatus; total: bigint }>(
    `SELECT id, status, total FROM invoices WHERE id = ANY ($1) AND tenant_id = $2 AND client_id = $3 ORDER BY id FOR UPDATE`,
    [invoiceIds, tenantId, clientId],
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const errors: FieldError[] = []
  const members = invoiceIds.flatMap((id, index): BasketMember[] => {
    const row = byId.get(id)
    const field = `invoiceIds[${index}]`
    if (row === undefined)
      errors.push({ field, code: 'unknown', vi: 'Không tìm thấy khoản thu này', en: 'There is no such invoice' })
    else if (invoiceIds.indexOf(id) !== index)
      errors.push({ field, code: 'repeated', vi: 'Khoản thu bị lặp lại', en: 'The invoice stands there twice' })
    else return [{ ...row, lineNo: index + 1 }]
    return []
  })
  if (errors.length > 0) throw new Problem('INVALID_REQUEST', { errors })
  return members
}
