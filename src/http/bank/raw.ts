/** Requests as bytes, and answers as they were written: for protocols that others defined. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { HttpReply, RawRequest } from '../../../adapters/contract.ts'

/** Any content type, unread. */
export function acceptRawBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => {
    parsed(null, typeof body === 'string' ? Buffer.from(body) : body)
  })
}

/** @param rest the address behind the part that named the account */
export function rawRequest(request: FastifyRequest, rest: string | undefined): RawRequest {
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

export function sendReply(reply: FastifyReply, answer: HttpReply): FastifyReply {
  reply.code(answer.status)
  for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
  return answer.body === '' ? reply.send() : reply.send(answer.body)
}
