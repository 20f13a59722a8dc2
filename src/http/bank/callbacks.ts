/** Where banks call: the bytes go to the rail's adapter untouched, and its exact answer goes back. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallbackReceiver } from '../../callback/receive.ts'
import { Problem } from '../../problem/problem.ts'
import type { RailAccounts } from '../../rails/accounts.ts'
import { acceptRawBodies, rawRequest, sendReply } from './raw.ts'

/** No rail of rails.md sends more than a few kilobytes. */
const callbackBodyBytes = 64 * 1024

type CallbackParams = { rail: string; account: string; '*'?: string }

export function registerCallbackRoutes(
  server: FastifyInstance,
  { railAccounts, receive }: { railAccounts: RailAccounts; receive: CallbackReceiver },
): void {
  server.register((scope, _options, done) => {
    acceptRawBodies(scope)
    const handler = async (
      request: FastifyRequest<{ Params: CallbackParams }>,
      reply: FastifyReply,
    ): Promise<FastifyReply> => {
      const { rail, account: accountId, '*': rest } = request.params
      const account = await railAccounts.find(rail, accountId)
      // The same answer as for any address that does not exist: no hint which accounts do.
      if (account?.adapter.capabilities.callback !== true) throw new Problem('NOT_FOUND')
      const answer = await receive(account, {
        request: rawRequest(request, rest),
        requestId: request.id,
        remoteAddress: request.ip,
      })
      return sendReply(reply, answer)
    }
    const options = { bodyLimit: callbackBodyBytes, schema: { hide: true } }
    for (const method of ['GET', 'POST'] as const) {
      scope.route<{ Params: CallbackParams }>({ ...options, method, url: '/callbacks/:rail/:account', handler })
      scope.route<{ Params: CallbackParams }>({ ...options, method, url: '/callbacks/:rail/:account/*', handler })
    }
    done()
  })
}
