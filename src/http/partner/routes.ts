/** Where portals send payers by the national message set: the bytes go to the protocol untouched, and its exact answer goes back. */
import type { FastifyInstance } from 'fastify'
import type { Partners } from '../../partner/partners.ts'
import { type PartnerReceiver, partnerOperations } from '../../partner/receive.ts'
import { Problem } from '../../problem/problem.ts'
import type { AddressLimiter } from '../address-limits.ts'
import { acceptRawBodies, rawRequest, sendReply } from '../bank/raw.ts'

/** An INIT with two hundred fee lines is smaller. */
const messageBodyBytes = 64 * 1024

export function registerPartnerRoutes(
  server: FastifyInstance,
  {
    partners,
    receive,
    limitAddress,
  }: { readonly partners: Partners; readonly receive: PartnerReceiver; readonly limitAddress: AddressLimiter },
): void {
  server.register((scope, _options, done) => {
    acceptRawBodies(scope)
    for (const operation of partnerOperations) {
      scope.post<{ Params: { partner: string } }>(
        `/partners/:partner/${operation}`,
        { bodyLimit: messageBodyBytes, schema: { hide: true } },
        async (request, reply) => {
          const partner = await partners.find(request.params.partner)
          // The same answer as for any address that does not exist: no hint which partners do.
          if (partner === null) {
            await limitAddress(request, 'nowhere')
            throw new Problem('NOT_FOUND')
          }
          const answer = await receive(partner, operation, {
            request: rawRequest(request, undefined),
            requestId: request.id,
            remoteAddress: request.ip,
          })
          return sendReply(reply, answer)
        },
      )
    }
    done()
  })
}
