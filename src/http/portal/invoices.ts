/** Invoices: issue, batch, get, list, cancel, supersede. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Scope } from '../../clients/scopes.ts'
import { canonicalCode } from '../../domain/codes/canonical.ts'
import type { Environment } from '../../environment.ts'
import type { Idempotency } from '../../idempotency/idempotency.ts'
import { cancelInvoice } from '../../invoice/close.ts'
import { type IssueContext, issueInvoices, supersedeInvoice } from '../../invoice/issue.ts'
import type { FieldCipher } from '../../personal/field-cipher.ts'
import { Problem, problemBody } from '../../problem/problem.ts'
import type { Router } from '../../rails/router.ts'
import type { TokenSigner } from '../../signing/tokens.ts'
import type { TenantDatabases, Transaction } from '../../store/database.ts'
import { readInvoices } from '../../store/invoices.ts'
import { type Authenticate, requireScope } from '../auth/access-token.ts'
import { type Caller, callerOf } from '../auth/caller.ts'
import { fieldErrorsOf } from '../field-errors.ts'
import { type AnswerContext, invoiceAnswerOf } from './answers.ts'
import { answerOnce, jsonAnswer } from './idempotent.ts'
import {
  batchAnswer,
  cancelInvoiceBody,
  type InvoiceAnswer,
  idempotencyHeaders,
  invoiceAnswer,
  invoiceList,
  invoiceParams,
  issueBatch,
  issueInvoice,
  listInvoicesQuery,
  problemSchema,
} from './schemas.ts'

export type PortalOptions = {
  readonly database: TenantDatabases
  readonly environment: Environment
  readonly idempotency: Idempotency
  readonly routes: Router
  readonly authenticate: Authenticate
  readonly sign: TokenSigner
  readonly cipher: FieldCipher
  readonly publicUrl: () => string
}

/** Room for a thousand invoices. */
const batchBodyBytes = 4 * 1024 * 1024
/** OpenAPI security: portalScope('None') of a route that needs this scope. */
export function portalScope(scope: Scope): { portal: Scope[] }[] {
  return [{ portal: [scope] }]
}
const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  409: problemSchema,
  422: problemSchema,
  429: problemSchema,
  503: problemSchema,
}

export function registerInvoiceRoutes(server: FastifyInstance, options: PortalOptions): void {
  const { database, environment, idempotency, authenticate, sign, cipher, publicUrl } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const context = (): IssueContext => ({ environment, cipher, sign, publicUrl: publicUrl() })
  const answering = (): AnswerContext => ({ routes: options.routes, publicUrl: publicUrl(), now: environment.now() })

  async function readOne(source: Pick<Transaction, 'query'>, caller: Caller, id: string): Promise<InvoiceAnswer> {
    const [invoice] = await readInvoices(source, caller, { ids: [id], limit: 1 })
    if (invoice === undefined) throw new Problem('NOT_FOUND')
    return await invoiceAnswerOf(invoice, answering())
  }

  routes.post(
    '/v1/invoices',
    {
      onRequest: requireScope(authenticate, 'invoices:write'),
      schema: {
        tags: ['Invoices'],
        summary: 'Issue a signed fee invoice',
        security: portalScope('invoices:write'),
        headers: idempotencyHeaders,
        body: issueInvoice,
        response: { 201: invoiceAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { body } = request
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const [result] = await issueInvoices(tx, context(), caller, [body])
        if (result === undefined || !result.ok) throw result?.problem ?? new Problem('INTERNAL')
        return jsonAnswer(201, await readOne(tx, caller, result.id), { location: `/v1/invoices/${result.id}` })
      })
    },
  )

  routes.post(
    '/v1/invoices/batch',
    {
      bodyLimit: batchBodyBytes,
      onRequest: requireScope(authenticate, 'invoices:write'),
      schema: {
        tags: ['Invoices'],
        summary: 'Issue up to 1,000 invoices, each with its own result',
        security: portalScope('invoices:write'),
        headers: idempotencyHeaders,
        body: issueBatch,
        response: { 200: batchAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const entries = request.body.invoices.map((entry) => issueInvoice.safeParse(entry))
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const valid = entries.flatMap((entry) => (entry.success ? [entry.data] : []))
        const issued = await issueInvoices(tx, context(), caller, valid)
        const ids = issued.flatMap((result) => (result.ok ? [result.id] : []))
        const records = new Map(
          (await readInvoices(tx, caller, { ids, limit: ids.length })).map((invoice) => [invoice.id, invoice]),
        )
        let next = 0
        const results = []
        for (const [index, entry] of entries.entries()) {
          const result = entry.success
            ? issued[next++]
            : { ok: false as const, problem: new Problem('INVALID_REQUEST', { errors: fieldErrorsOf(entry.error) }) }
          const record = result?.ok === true ? records.get(result.id) : undefined
          if (record !== undefined) results.push({ index, invoice: await invoiceAnswerOf(record, answering()) })
          else if (result?.ok === false)
            results.push({ index, problem: JSON.parse(problemBody(result.problem)) as object })
        }
        return jsonAnswer(200, { results, issued: ids.length, refused: entries.length - ids.length })
      })
    },
  )

  routes.get(
    '/v1/invoices/:id',
    {
      onRequest: requireScope(authenticate, 'invoices:read'),
      schema: {
        tags: ['Invoices'],
        summary: 'Get an invoice',
        security: portalScope('invoices:read'),
        params: invoiceParams,
        response: { 200: invoiceAnswer, ...refusals, 404: problemSchema },
      },
    },
    async (request) =>
      await readOne(database.forTenant(callerOf(request).tenantId), callerOf(request), request.params.id),
  )

  routes.get(
    '/v1/invoices',
    {
      onRequest: requireScope(authenticate, 'invoices:read'),
      schema: {
        tags: ['Invoices'],
        summary: 'List invoices, newest first',
        security: portalScope('invoices:read'),
        querystring: listInvoicesQuery,
        response: { 200: invoiceList, ...refusals },
      },
    },
    async (request) => {
      const { status, dossierCode, agencyCode, issuedFrom, issuedBefore, limit, cursor } = request.query
      const caller = callerOf(request)
      const records = await readInvoices(database.forTenant(caller.tenantId), caller, {
        ...(status === undefined ? {} : { status }),
        ...(dossierCode === undefined ? {} : { dossierCode: canonicalFilter(dossierCode) }),
        ...(agencyCode === undefined ? {} : { agencyCode: canonicalFilter(agencyCode) }),
        ...(issuedFrom === undefined ? {} : { issuedFrom: new Date(issuedFrom) }),
        ...(issuedBefore === undefined ? {} : { issuedBefore: new Date(issuedBefore) }),
        ...(cursor === undefined ? {} : { before: cursor }),
        limit: limit + 1,
      })
      const page = records.slice(0, limit)
      const invoices = []
      for (const record of page) invoices.push(await invoiceAnswerOf(record, answering()))
      return { invoices, nextCursor: records.length > limit ? (page.at(-1)?.id ?? null) : null }
    },
  )

  routes.post(
    '/v1/invoices/:id/cancel',
    {
      onRequest: requireScope(authenticate, 'invoices:write'),
      schema: {
        tags: ['Invoices'],
        summary: 'Cancel an unpaid invoice',
        security: portalScope('invoices:write'),
        headers: idempotencyHeaders,
        params: invoiceParams,
        body: cancelInvoiceBody,
        response: { 200: invoiceAnswer, ...refusals, 404: problemSchema },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { id } = request.params
      const { reason } = request.body
      return await answerOnce(idempotency, request, reply, async (tx) => {
        await cancelInvoice(tx, environment, caller, id, reason)
        return jsonAnswer(200, await readOne(tx, caller, id))
      })
    },
  )

  routes.post(
    '/v1/invoices/:id/supersede',
    {
      onRequest: requireScope(authenticate, 'invoices:write'),
      schema: {
        tags: ['Invoices'],
        summary: 'Put a corrected invoice in the place of an open one',
        security: portalScope('invoices:write'),
        headers: idempotencyHeaders,
        params: invoiceParams,
        body: issueInvoice,
        response: { 201: invoiceAnswer, ...refusals, 404: problemSchema },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { id } = request.params
      const { body } = request
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const newId = await supersedeInvoice(tx, context(), caller, id, body)
        return jsonAnswer(201, await readOne(tx, caller, newId), { location: `/v1/invoices/${newId}` })
      })
    },
  )
}

/** A filter that is no code finds nothing; it is not an error. */
export function canonicalFilter(text: string): string {
  const parsed = canonicalCode(text, { vi: '', en: '' })
  return parsed.ok ? parsed.value.canonical : text
}
