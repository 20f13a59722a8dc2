/** A signed invoice for those who live on X.509: its exact bytes, and the agency's detached CMS signature over them. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { signatureOf } from '../../agencies/document-signature.ts'
import { Problem } from '../../problem/problem.ts'
import type { Vault } from '../../secrets/vault.ts'
import { type InvoiceRecord, readInvoices } from '../../store/invoices.ts'
import { requireScope } from '../auth/access-token.ts'
import { type Caller, callerOf } from '../auth/caller.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import { invoiceParams, problemSchema } from './schemas.ts'

export const signatureContentType = 'application/pkcs7-signature'

const refusals = {
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  409: problemSchema,
  429: problemSchema,
  503: problemSchema,
}

export function registerSignatureRoutes(server: FastifyInstance, options: PortalOptions & { vault: Vault }): void {
  const { database, environment, authenticate, vault } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const about = (summary: string, description: string) => ({
    tags: ['Invoices'],
    summary,
    description,
    security: portalScope('invoices:read'),
    params: invoiceParams,
  })
  const onRequest = requireScope(authenticate, 'invoices:read')

  async function readOne(caller: Caller, id: string): Promise<InvoiceRecord> {
    const [invoice] = await readInvoices(database.forTenant(caller.tenantId), caller, { ids: [id], limit: 1 })
    if (invoice === undefined) throw new Problem('NOT_FOUND')
    return invoice
  }

  routes.get(
    '/v1/invoices/:id/document',
    {
      onRequest,
      schema: {
        ...about(
          'The signed document of an invoice, byte for byte',
          'The payload of `jws`; what `signature.p7s` covers. Save it as it comes: a changed byte breaks the signature.',
        ),
        response: {
          200: { description: 'The document', content: { 'application/json': { schema: z.unknown() } } },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const { jws } = await readOne(callerOf(request), request.params.id)
      return await reply.type('application/json').send(documentBytes(jws))
    },
  )
  routes.get(
    '/v1/invoices/:id/signature.p7s',
    {
      onRequest,
      schema: {
        ...about(
          "The collecting agency's CMS signature over the document",
          'Detached CMS (RFC 5652) in DER, made when first asked for and the same ever after. `openssl cms -verify -binary -inform DER -in signature.p7s -content document -CAfile agency-ca.pem`, or `feegate verify`.',
        ),
        response: {
          200: {
            description: 'Detached CMS in DER',
            content: { [signatureContentType]: { schema: z.unknown().meta({ type: 'string', format: 'binary' }) } },
          },
          ...refusals,
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { id, jws, collectingAgencyCode } = await readOne(caller, request.params.id)
      const cms = await signatureOf(database.forTenant(caller.tenantId), environment, vault, {
        tenantId: caller.tenantId,
        kind: 'invoice',
        id,
        agencyCode: collectingAgencyCode,
        bytes: documentBytes(jws),
      })
      return await reply.type(signatureContentType).send(cms)
    },
  )
}

function documentBytes(jws: string): Buffer {
  return Buffer.from(jws.split('.')[1] ?? '', 'base64url')
}
