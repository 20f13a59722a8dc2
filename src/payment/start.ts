/**
 * Starting an attempt: the row is committed before the rail is called, so a crash or a timeout in between leaves an attempt
 * that inquiry can ask about, never money without a record (I4, rails.md rule 9).
 *
 * Where equal accounts stand behind the one that was chosen (docs/routing.md), a start of which no byte left us goes on with
 * the next of them. A start whose answer is unknown never does: the payer could pay twice.
 */
import type { Order, StartResult } from '../../adapters/contract.ts'
import { foldToLatin } from '../domain/fold.ts'
import type { PlaceOfPayment } from '../domain/routing/rules.ts'
import { type Environment, newId } from '../environment.ts'
import { Problem } from '../problem/problem.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import type { Router } from '../rails/router.ts'
import type { Database, TenantDatabase, Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { type AskRailOptions, askRail } from './ask-rail.ts'
import { limitAttempts } from './attempt-limit.ts'
import { readBillView } from './bill-view.ts'
import { type Choice, chooseAccounts } from './choose-accounts.ts'
import { failAttempt, lockInvoice } from './end-attempt.ts'
import { firstInquiryAt } from './inquiry-schedule.ts'
import { instructionOf, type PaymentInstruction } from './instruction.ts'

export type StartRequest = {
  /** Whose portal asks; left out for a payer, who came by the invoice's token. */
  readonly tenantId?: string
  readonly invoiceId: string
  readonly railAccountId: string
  readonly locale: 'vi' | 'en'
  /** Where the payer is; ONLINE unless told otherwise. */
  readonly channel?: PlaceOfPayment
  readonly payerIp: string
  readonly payerInput: Readonly<Record<string, string>>
  /** Who asks: a client id, or `payer`. */
  readonly actor: string
  /** The same key finds the same attempt, also when the first call never answered. */
  readonly attemptKey?: string
  /** Page the rail sends the browser back to, below our address; the invoice's own page unless told otherwise. */
  readonly returnPath?: string
}

export type StartedPayment = { readonly paymentId: string; readonly instruction: PaymentInstruction }

export type PaymentStarterOptions = AskRailOptions & {
  readonly database: Database
  readonly environment: Environment
  readonly routes: Router
  readonly publicUrl: () => string
  /** Where accounts that ask for client certificates are called back; null: where the others are. */
  readonly bankUrl?: string | null
}

export type PaymentStarter = (request: StartRequest) => Promise<StartedPayment>

/** The payer has this long at the rail: room for a biometric step-up (domain.md R13), ended earlier by the invoice's own end. */
const attemptMs = 30 * 60 * 1000
const shortestAttemptMs = 2 * 60 * 1000

/** Of an invoice: what never changes once it is issued. */
type Demanded = {
  id: string
  tenant_id: string
  total: bigint
  pay_code: string
  pay_token: string
  dossier_code: string
  procedure_code: string
  collecting_agency_code: string
  beneficiary_account_id: string
  expires_at: Date
}

type NewAttempt = {
  readonly kind: 'new'
  readonly paymentId: string
  readonly account: OpenRailAccount
  readonly order: Order
}

type CommittedAttempt =
  | NewAttempt
  | { readonly kind: 'existing'; readonly paymentId: string; readonly instruction: PaymentInstruction }

/** A rail's answer takes no longer than this; an attempt without one after it belongs to a process that died. */
const answerMs = 60_000

/** The attempt an earlier call with this key opened. Its order is never sent again: whether it arrived is for inquiry to tell. */
async function attemptUnder(tx: Transaction, attemptKey: string, now: Date): Promise<StartedPayment | null> {
  const [row] = await tx.query<{ id: string; instruction: PaymentInstruction | null; created_at: Date }>(
    'SELECT id, instruction, created_at FROM payments WHERE attempt_key = $1',
    [attemptKey],
  )
  if (row === undefined) return null
  if (row.instruction !== null) return { paymentId: row.id, instruction: row.instruction }
  if (now.getTime() - row.created_at.getTime() < answerMs)
    throw new Problem('IDEMPOTENCY_IN_PROGRESS', { retryAfterSeconds: 1 })
  return { paymentId: row.id, instruction: { kind: 'wait' } }
}

export function createPaymentStarter(options: PaymentStarterOptions): PaymentStarter {
  const { database, environment, routes, publicUrl, bankUrl = null } = options

  async function readDemand(store: TenantDatabase, invoiceId: string): Promise<Demanded> {
    const [invoice] = await store.query<Demanded>(
      `SELECT id, tenant_id, total, pay_code, pay_token, dossier_code, procedure_code, collecting_agency_code, beneficiary_account_id, expires_at
         FROM invoices WHERE id = $1`,
      [invoiceId],
    )
    if (invoice === undefined) throw new Problem('NOT_FOUND')
    return invoice
  }

  /** Commits the attempt, or finds the one of this key. */
  async function commitAttempt(
    tx: Transaction,
    request: StartRequest,
    invoice: Demanded,
    choice: Choice,
  ): Promise<CommittedAttempt> {
    await lockInvoice(tx, invoice.id)
    if (request.attemptKey !== undefined) {
      const earlier = await attemptUnder(tx, request.attemptKey, environment.now())
      if (earlier !== null) return { kind: 'existing', ...earlier }
    }
    if (!(await isOpen(tx, invoice))) throw new Problem('INVOICE_NOT_OPEN')
    if (choice.kind === 'refused') throw choice.problem
    return await openAttempt(tx, request, invoice, choice.accounts[0], null)
  }

  async function isOpen(tx: Transaction, invoice: Demanded): Promise<boolean> {
    const [row] = await tx.query<{ status: string }>('SELECT status FROM invoices WHERE id = $1', [invoice.id])
    return (
      (row?.status === 'ISSUED' || row?.status === 'PAYING') &&
      invoice.expires_at.getTime() - environment.now().getTime() >= shortestAttemptMs
    )
  }

  /** Opens the attempt under the invoice's lock, or finds the open one of a rail whose reference is the pay code (one QR per invoice). */
  async function openAttempt(
    tx: Transaction,
    request: StartRequest,
    invoice: Demanded,
    account: OpenRailAccount,
    insteadOf: string | null,
  ): Promise<CommittedAttempt> {
    const now = environment.now()
    const [{ sequence } = { sequence: 0n }] = await tx.query<{ sequence: bigint }>(
      `SELECT nextval('merchant_ref_sequence') AS sequence`,
      [],
    )
    const railAccount = { id: account.id, config: account.config }
    const merchantRef = account.adapter.merchantRef({ sequence, payCode: invoice.pay_code, now }, railAccount)
    const expiresAt = new Date(Math.min(now.getTime() + attemptMs, invoice.expires_at.getTime()))
    const order: Order = {
      merchantRef,
      payCode: invoice.pay_code,
      dossierCode: invoice.dossier_code,
      amount: invoice.total,
      description: foldToLatin(
        `${invoice.pay_code} ho so ${invoice.dossier_code}`,
        account.adapter.capabilities.descriptionMaxLength,
      ),
      locale: request.locale,
      payerIp: request.payerIp,
      returnUrl: `${publicUrl()}${request.returnPath ?? `/pay/${invoice.pay_token}/return`}`,
      callbackUrl: `${(account.clientCertificates === null ? null : bankUrl) ?? publicUrl()}/callbacks/${account.rail}/${account.id}`,
      createdAt: now,
      expiresAt,
      payerInput: request.payerInput,
      bill: await readBillView(tx, invoice.id),
    }
    const [open] = await tx.query<{ id: string; instruction: PaymentInstruction | null; created_at: Date }>(
      'SELECT id, instruction, created_at FROM payments WHERE rail_account_id = $1 AND merchant_ref = $2',
      [account.id, merchantRef],
    )
    if (open !== undefined)
      return open.instruction === null
        ? { kind: 'new', paymentId: open.id, account, order }
        : { kind: 'existing', paymentId: open.id, instruction: open.instruction }
    // One that goes on at another account was counted when it began.
    if (insteadOf === null) await limitAttempts(tx, invoice.id, account, now)
    const paymentId = newId(environment, 'pay')
    // A repeat of the request finds the attempt that is alive.
    if (insteadOf !== null) await tx.query('UPDATE payments SET attempt_key = NULL WHERE id = $1', [insteadOf])
    await tx.query(
      `INSERT INTO payments (id, tenant_id, invoice_id, rail_account_id, merchant_ref, attempt_key, amount, status, payer_ip, locale, created_at, expires_at, next_inquiry_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $12, $6, 'CREATED', $7, $8, $9, $10, $11, $9)`,
      [
        paymentId,
        invoice.tenant_id,
        invoice.id,
        account.id,
        merchantRef,
        invoice.total,
        request.payerIp,
        request.locale,
        now,
        expiresAt,
        account.adapter.capabilities.inquiry ? firstInquiryAt(now) : null,
        request.attemptKey ?? null,
      ],
    )
    await tx.query(`UPDATE invoices SET status = 'PAYING', updated_at = $2 WHERE id = $1`, [invoice.id, now])
    await appendJournal(tx, [
      {
        tenantId: invoice.tenant_id,
        at: now,
        kind: 'payment.created',
        subject: paymentId,
        actor: request.actor,
        facts: {
          invoiceId: invoice.id,
          railAccountId: account.id,
          merchantRef,
          amount: invoice.total.toString(),
          ...(insteadOf === null ? {} : { insteadOf }),
        },
      },
    ])
    return { kind: 'new', paymentId, account, order }
  }

  /** Records what came of a start, under the invoice's lock. */
  async function recordResult(
    tx: Transaction,
    paymentId: string,
    invoiceId: string,
    result: StartResult,
  ): Promise<void> {
    const instruction = instructionOf(result)
    const now = environment.now()
    if (result.kind === 'refused') {
      await tx.query('UPDATE payments SET sent = $2, instruction = $3 WHERE id = $1', [
        paymentId,
        JSON.stringify(result.sent),
        JSON.stringify(instruction),
      ])
      await failAttempt(tx, { paymentId, invoiceId }, `${result.railCode}: ${result.message}`, now)
      return
    }
    // A callback may have been quicker than this answer: a final state stays.
    await tx.query(
      `UPDATE payments SET status = CASE WHEN status IN ('CREATED', 'UNKNOWN') THEN $2 ELSE status END, status_reason = $3, sent = $4,
              instruction = $5, updated_at = $6
        WHERE id = $1`,
      [
        paymentId,
        result.kind === 'unknown' ? 'UNKNOWN' : 'REDIRECTED',
        result.kind,
        JSON.stringify(result.sent),
        JSON.stringify(instruction),
        now,
      ],
    )
  }

  return async (request) => {
    const store: TenantDatabase = request.tenantId === undefined ? database : database.forTenant(request.tenantId)
    const invoice = await readDemand(store, request.invoiceId)
    const offered = await routes({
      tenantId: invoice.tenant_id,
      beneficiaryAccountId: invoice.beneficiary_account_id,
      agencyCode: invoice.collecting_agency_code,
      procedureCode: invoice.procedure_code,
      amount: invoice.total,
      channel: request.channel ?? 'ONLINE',
      locale: request.locale,
      invoiceId: invoice.id,
    })
    const choice = chooseAccounts(offered, request.railAccountId, environment.now())
    const fallbacks = choice.kind === 'accounts' ? choice.accounts.slice(1) : []
    if (choice.kind === 'accounts') checkPayerInput(choice.accounts[0], request.payerInput)
    let attempt = await store.transaction((tx) => commitAttempt(tx, request, invoice, choice))
    for (;;) {
      if (attempt.kind === 'existing') return { paymentId: attempt.paymentId, instruction: attempt.instruction }
      const { paymentId } = attempt
      const { result, nothingSent } = await askRail(attempt.account, attempt.order, options)
      const next = nothingSent ? fallbacks.shift() : undefined
      const following = await store.transaction(async (tx) => {
        await lockInvoice(tx, invoice.id)
        await recordResult(tx, paymentId, invoice.id, result)
        // In one commit: a repeat of the request never sees the failed attempt alone.
        return next !== undefined && (await isOpen(tx, invoice))
          ? await openAttempt(tx, request, invoice, next, paymentId)
          : null
      })
      if (following === null) return { paymentId, instruction: instructionOf(result) }
      attempt = following
    }
  }
}

function checkPayerInput({ adapter }: OpenRailAccount, input: Readonly<Record<string, string>>): void {
  const errors = (adapter.payerFields ?? [])
    .filter(({ name, pattern, maxLength }) => {
      const value = input[name] ?? ''
      return value.length > maxLength || !new RegExp(`^(?:${pattern})$`, 'u').test(value)
    })
    .map(({ name, labelVi, labelEn }) => ({
      field: `payerInput.${name}`,
      code: 'invalid_format',
      vi: `${labelVi}: chưa đúng định dạng`,
      en: `${labelEn}: not in the expected form`,
    }))
  if (errors.length > 0) throw new Problem('INVALID_REQUEST', { errors })
}
