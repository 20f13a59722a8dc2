/** Where banks call: the bytes go to the rail's adapter untouched, and its exact answer goes back. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpReply, RawRequest } from '../../../adapters/contract.ts'
import type { CallbackReceiver } from '../../callback/receive.ts'
import { Problem } from '../../problem/problem.ts'
import type { RailAccounts } from '../../rails/accounts.ts'

/** No rail of rails.md sends more than a few kilobytes. */
const callbackBodyBytes = 64 * 1024

type CallbackParams = { rail: string; account: string; '*'?: string }

export function registerCallbackRoutes(
  server: FastifyInstance,
  { railAccounts, receive }: { railAccounts: RailAccounts; receive: CallbackReceiver },
): void {
  server.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => {
      parsed(null, typeof body === 'string' ? Buffer.from(body) : body)
    })

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
      return send(reply, answer)
    }
    const options = { bodyLimit: callbackBodyBytes, schema: { hide: true } }
    for (const method of ['GET', 'POST'] as const) {
      scope.route<{ Params: CallbackParams }>({ ...options, method, url: '/callbacks/:rail/:account', handler })
      scope.route<{ Params: CallbackParams }>({ ...options, method, url: '/callbacks/:rail/:account/*', handler })
    }
    done()
  })
}

function rawRequest(request: FastifyRequest, rest: string | undefined): RawRequest {
  const address = request.raw.url ?? ''
  const question = address.indexOf('?')
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    // Evidence keeps no bearer secrets of others' making beyond what the adapter needs; it gets them all.
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return {
    method: request.method,
    path: rest === undefined || rest === '' ? '' : `/${rest}`,
    query: question === -1 ? '' : address.slice(question + 1),
    headers,
    body: Buffer.isBuffer(request.body) ? request.body : new Uint8Array(),
  }
}

function send(reply: FastifyReply, answer: HttpReply): FastifyReply {
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
  return answer.body === '' ? reply.send() : reply.send(answer.body)
}
