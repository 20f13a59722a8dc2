/** Signed documents for those who live on X.509: their exact bytes, and the agency's detached CMS signature over them. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type SignableDocument, signatureOf } from '../../agencies/document-signature.ts'
import { Problem } from '../../problem/problem.ts'
import type { Vault } from '../../secrets/vault.ts'
import { readInvoices } from '../../store/invoices.ts'
import { readReceipts } from '../../store/receipts.ts'
import { requireScope } from '../auth/access-token.ts'
import { type Caller, callerOf } from '../auth/caller.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import { invoiceParams, problemSchema } from './schemas.ts'

export const signatureContentType = 'application/pkcs7-signature'

const receiptParams = invoiceParams.extend({ receiptId: z.string().regex(/^rcp_[0-9a-z]{26}$/) })

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  409: problemSchema,
  429: problemSchema,
  503: problemSchema,
}
const documentAnswer = {
  description: 'The document',
  content: { 'application/json': { schema: z.unknown() } },
}
const signatureAnswer = {
  description: 'Detached CMS in DER',
  content: { [signatureContentType]: { schema: z.unknown().meta({ type: 'string', format: 'binary' }) } },
}

export function registerSignatureRoutes(server: FastifyInstance, options: PortalOptions & { vault: Vault }): void {
  const { database, environment, authenticate, vault } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = requireScope(authenticate, 'invoices:read')
  const security = portalScope('invoices:read')
  const aboutDocument = (what: string) => ({
    tags: ['Invoices'],
    summary: `The signed document of ${what}, byte for byte`,
    description:
      'The payload of its `jws`; what `signature.p7s` covers. Save it as it comes: a changed byte breaks the signature.',
    security,
    response: { 200: documentAnswer, ...refusals },
  })
  const aboutSignature = (what: string) => ({
    tags: ['Invoices'],
    summary: `The collecting agency's CMS signature over the document of ${what}`,
    description:
      'Detached CMS (RFC 5652) in DER, made when first asked for and the same ever after. `openssl cms -verify -binary -inform DER -in signature.p7s -content document -CAfile agency-ca.pem`, or `feegate verify`.',
    security,
    response: { 200: signatureAnswer, ...refusals },
  })
  const sign = (document: SignableDocument): Promise<Buffer> =>
    signatureOf(database.forTenant(document.tenantId), environment, vault, document)

  async function invoiceOf(caller: Caller, id: string): Promise<SignableDocument> {
    const store = database.forTenant(caller.tenantId)
    const [invoice] = await readInvoices(store, caller, { ids: [id], limit: 1 })
    if (invoice === undefined) throw new Problem('NOT_FOUND')
    return document(caller, 'invoice', id, invoice.collectingAgencyCode, invoice.jws)
  }

  async function receiptOf(caller: Caller, invoiceId: string, id: string): Promise<SignableDocument> {
    const store = database.forTenant(caller.tenantId)
    const [receipt] = await readReceipts(store, { ...caller, invoiceId, id, limit: 1 })
    // One that has no number yet is no document.
    if (receipt === undefined || receipt.jws === null) throw new Problem('NOT_FOUND')
    return document(caller, 'receipt', id, receipt.agencyCode, receipt.jws)
  }

  routes.get(
    '/v1/invoices/:id/document',
    { onRequest, schema: { ...aboutDocument('an invoice'), params: invoiceParams } },
    async (request, reply) => {
      const { bytes } = await invoiceOf(callerOf(request), request.params.id)
      return await reply.type('application/json').send(bytes)
    },
  )
  routes.get(
    '/v1/invoices/:id/signature.p7s',
    { onRequest, schema: { ...aboutSignature('an invoice'), params: invoiceParams } },
    async (request, reply) => {
      const cms = await sign(await invoiceOf(callerOf(request), request.params.id))
      return await reply.type(signatureContentType).send(cms)
    },
  )
  routes.get(
    '/v1/invoices/:id/receipts/:receiptId/document',
    { onRequest, schema: { ...aboutDocument('a receipt'), params: receiptParams } },
    async (request, reply) => {
      const { bytes } = await receiptOf(callerOf(request), request.params.id, request.params.receiptId)
      return await reply.type('application/json').send(bytes)
    },
  )
  routes.get(
    '/v1/invoices/:id/receipts/:receiptId/signature.p7s',
    { onRequest, schema: { ...aboutSignature('a receipt'), params: receiptParams } },
    async (request, reply) => {
      const cms = await sign(await receiptOf(callerOf(request), request.params.id, request.params.receiptId))
      return await reply.type(signatureContentType).send(cms)
    },
  )
}

function document(
  { tenantId }: Caller,
  kind: SignableDocument['kind'],
  id: string,
  agencyCode: string,
  jws: string,
): SignableDocument {
  return { tenantId, kind, id, agencyCode, bytes: Buffer.from(jws.split('.')[1] ?? '', 'base64url') }
}
