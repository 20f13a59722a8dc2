/**
 * Starting an attempt: the row is committed before the rail is called, so a crash or a timeout in between leaves an attempt
 * that inquiry can ask about, never money without a record (I4, rails.md rule 9).
 */
import type { Logger } from 'pino'
import type { Order, StartResult } from '../../adapters/contract.ts'
import { foldToLatin } from '../domain/fold.ts'
import { type Environment, newId } from '../environment.ts'
import type { CircuitBreaker } from '../network/circuit-breaker.ts'
import { HttpCallError, type HttpCaller } from '../network/http-caller.ts'
import { Problem } from '../problem/problem.ts'
import type { OpenRailAccount, RailAccounts } from '../rails/accounts.ts'
import { runSteps } from '../rails/run-steps.ts'
import type { Database, Transaction } from '../store/database.ts'
import { appendJournal } from '../store/journal.ts'
import { readBillView } from './bill-view.ts'
import { failAttempt, lockInvoice } from './end-attempt.ts'
import { firstInquiryAt } from './inquiry-schedule.ts'
import type { PaymentInstruction } from './instruction.ts'

export type StartRequest = {
  readonly invoiceId: string
  readonly railAccountId: string
  readonly locale: 'vi' | 'en'
  readonly payerIp: string
  readonly payerInput: Readonly<Record<string, string>>
  /** Who asks: a client id, or `payer`. */
  readonly actor: string
  /** The same key finds the same attempt, also when the first call never answered. */
  readonly attemptKey?: string
}

export type StartedPayment = { readonly paymentId: string; readonly instruction: PaymentInstruction }

export type PaymentStarterOptions = {
  readonly database: Database
  readonly environment: Environment
  readonly railAccounts: RailAccounts
  readonly call: HttpCaller
  readonly breaker: CircuitBreaker
  readonly publicUrl: () => string
  readonly serverIp: string
  readonly log: Logger
}

export type PaymentStarter = (request: StartRequest) => Promise<StartedPayment>

/** The payer has this long at the rail: room for a biometric step-up (domain.md R13), ended earlier by the invoice's own end. */
const attemptMs = 30 * 60 * 1000
const shortestAttemptMs = 2 * 60 * 1000

type InvoiceRow = {
  id: string
  tenant_id: string
  status: string
  total: bigint
  pay_code: string
  pay_token: string
  dossier_code: string
  beneficiary_account_id: string
  expires_at: Date
}

type CommittedAttempt =
  | { readonly kind: 'new'; readonly paymentId: string; readonly order: Order }
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
  const { database, environment, railAccounts, call, breaker, publicUrl, serverIp, log } = options

  /** Commits the attempt, or finds the one of this key, or the open one of a rail whose reference is the pay code (one QR per invoice). */
  async function commitAttempt(
    tx: Transaction,
    request: StartRequest,
    account: OpenRailAccount,
  ): Promise<CommittedAttempt> {
    const now = environment.now()
    await lockInvoice(tx, request.invoiceId)
    if (request.attemptKey !== undefined) {
      const earlier = await attemptUnder(tx, request.attemptKey, now)
      if (earlier !== null) return { kind: 'existing', ...earlier }
    }
    const [invoice] = await tx.query<InvoiceRow>(
      `SELECT id, tenant_id, status, total, pay_code, pay_token, dossier_code, beneficiary_account_id, expires_at
         FROM invoices WHERE id = $1`,
      [request.invoiceId],
    )
    if (invoice === undefined) throw new Problem('NOT_FOUND')
    if (invoice.tenant_id !== account.tenantId || invoice.beneficiary_account_id !== account.beneficiaryAccountId)
      throw new Problem('RAIL_NOT_OFFERED')
    if (
      (invoice.status !== 'ISSUED' && invoice.status !== 'PAYING') ||
      invoice.expires_at.getTime() - now.getTime() < shortestAttemptMs
    ) {
      throw new Problem('INVOICE_NOT_OPEN')
    }
    const { minAmount, maxAmount } = account.adapter.capabilities
    if (invoice.total < minAmount || invoice.total > maxAmount) throw new Problem('AMOUNT_OUTSIDE_RAIL_LIMIT')

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
      returnUrl: `${publicUrl()}/pay/${invoice.pay_token}/return`,
      callbackUrl: `${publicUrl()}/callbacks/${account.rail}/${account.id}`,
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
        ? { kind: 'new', paymentId: open.id, order }
        : { kind: 'existing', paymentId: open.id, instruction: open.instruction }
    const paymentId = newId(environment, 'pay')
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
        facts: { invoiceId: invoice.id, railAccountId: account.id, merchantRef, amount: invoice.total.toString() },
      },
    ])
    return { kind: 'new', paymentId, order }
  }

  async function askRail(account: OpenRailAccount, order: Order): Promise<StartResult> {
    const { adapter } = account
    if (adapter.start === undefined) throw new Problem('RAIL_NOT_OFFERED')
    const railAccount = { id: account.id, config: account.config }
    const context = { now: environment.now(), requestId: newId(environment, 'req').slice(4), serverIp }
    const first = adapter.start(order, railAccount, context)
    if (first.kind === 'done') return first.result
    if (!breaker.allows(account.id))
      return { kind: 'refused', railCode: 'CIRCUIT_OPEN', message: 'the rail does not answer for now', sent: {} }
    try {
      const result = await runSteps(
        first,
        adapter.readStart &&
          ((answer, state) => adapter.readStart?.(answer, state, order, railAccount, context) ?? first),
        call,
      )
      breaker.answered(account.id)
      return result
    } catch (error) {
      if (!(error instanceof HttpCallError)) throw error
      breaker.failed(account.id)
      log.warn(
        { err: error, railAccountId: account.id, merchantRef: order.merchantRef },
        'the rail gave no answer to a start',
      )
      return error.neverSent
        ? { kind: 'refused', railCode: 'NO_CONNECTION', message: 'the rail cannot be reached', sent: {} }
        : { kind: 'unknown', detail: error.message, sent: {} }
    }
  }

  async function commitResult(paymentId: string, invoiceId: string, result: StartResult): Promise<PaymentInstruction> {
    const instruction = instructionOf(result)
    const now = environment.now()
    await database.transaction(async (tx) => {
      await lockInvoice(tx, invoiceId)
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
    })
    return instruction
  }

  return async (request) => {
    const account = await railAccounts.get(request.railAccountId)
    if (account === null || account.status !== 'ACTIVE') throw new Problem('RAIL_NOT_OFFERED')
    checkPayerInput(account, request.payerInput)
    const attempt = await database.transaction((tx) => commitAttempt(tx, request, account))
    if (attempt.kind === 'existing') return { paymentId: attempt.paymentId, instruction: attempt.instruction }
    const result = await askRail(account, attempt.order)
    const instruction = await commitResult(attempt.paymentId, request.invoiceId, result)
    return { paymentId: attempt.paymentId, instruction }
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

function instructionOf(result: StartResult): PaymentInstruction {
  switch (result.kind) {
    case 'redirect':
      return { kind: 'redirect', url: result.url }
    case 'form':
      return { kind: 'form', action: result.action, fields: result.fields }
    case 'qr':
      return {
        kind: 'qr',
        payload: result.payload,
        ...(result.transfer === undefined
          ? {}
          : { transfer: { ...result.transfer, amount: result.transfer.amount.toString() } }),
      }
    case 'otpChallenge':
      return { kind: 'otpChallenge' }
    case 'refused':
      return { kind: 'refused', railCode: result.railCode, message: result.message }
    case 'unknown':
      return { kind: 'wait' }
  }
}
