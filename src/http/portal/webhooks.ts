/** Webhook endpoints of a client, and its event feed. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  deleteEndpoint,
  type EndpointWithSecret,
  endpointSecrets,
  getEndpoint,
  listEndpoints,
  registerEndpoint,
  replayEvent,
  resumeEndpoint,
  rotateEndpointSecret,
  testEndpoint,
  type WebhookEndpoint,
} from '../../delivery/endpoints.ts'
import { refusedWebhookUrl, type WebhookCaller } from '../../network/webhook-caller.ts'
import { Problem } from '../../problem/problem.ts'
import type { Vault } from '../../secrets/vault.ts'
import type { EventSigner } from '../../signing/event-signer.ts'
import type { TenantDatabase } from '../../store/database.ts'
import { readFeed } from '../../store/event-feed.ts'
import { requireScope } from '../auth/access-token.ts'
import { callerOf } from '../auth/caller.ts'
import { answerOnce, jsonAnswer } from './idempotent.ts'
import { type PortalOptions, portalScope } from './invoices.ts'
import {
  endpointAnswer,
  endpointList,
  endpointParams,
  eventFeed,
  eventParams,
  eventsQuery,
  idempotencyHeaders,
  problemSchema,
  registerEndpointBody,
  replayAnswer,
  rotateSecretBody,
  testAnswer,
} from './schemas.ts'

const refusals = {
  400: problemSchema,
  401: problemSchema,
  403: problemSchema,
  404: problemSchema,
  409: problemSchema,
  422: problemSchema,
  429: problemSchema,
  503: problemSchema,
}
const hourMs = 60 * 60 * 1000

export type WebhookRoutesOptions = PortalOptions & {
  readonly vault: Vault
  readonly post: WebhookCaller
  readonly signEvent: EventSigner
  readonly allowedRanges: readonly string[]
}

export function registerWebhookRoutes(server: FastifyInstance, options: WebhookRoutesOptions): void {
  const { database, environment, idempotency, authenticate, vault, post, signEvent, allowedRanges } = options
  const routes = server.withTypeProvider<ZodTypeProvider>()
  const onRequest = requireScope(authenticate, 'webhooks:manage')
  const tenantOf = (request: FastifyRequest): TenantDatabase => database.forTenant(callerOf(request).tenantId)
  const about = (summary: string) => ({ tags: ['Webhooks'], summary, security: portalScope('webhooks:manage') })

  routes.post(
    '/v1/webhook-endpoints',
    {
      onRequest,
      schema: {
        ...about('Register an endpoint; the answer shows its secret once'),
        headers: idempotencyHeaders,
        body: registerEndpointBody,
        response: { 201: endpointAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { url } = request.body
      const refused = refusedWebhookUrl(url, allowedRanges)
      if (refused !== null)
        throw new Problem('WEBHOOK_URL_NOT_ALLOWED', {
          en: refused,
          errors: [{ field: 'url', code: 'address', vi: 'Địa chỉ không được phép', en: refused }],
        })
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const registered = await registerEndpoint(tx, environment, vault, caller, url)
        const location = `/v1/webhook-endpoints/${registered.endpoint.id}`
        return { ...jsonAnswer(201, withSecret(registered), { location }), isSecret: true }
      })
    },
  )
  routes.get(
    '/v1/webhook-endpoints',
    { onRequest, schema: { ...about('List endpoints'), response: { 200: endpointList, ...refusals } } },
    async (request) => ({
      endpoints: (await listEndpoints(tenantOf(request), callerOf(request))).map(shown),
    }),
  )
  routes.get(
    '/v1/webhook-endpoints/:id',
    {
      onRequest,
      schema: { ...about('Get an endpoint'), params: endpointParams, response: { 200: endpointAnswer, ...refusals } },
    },
    async (request) => shown(await getEndpoint(tenantOf(request), callerOf(request), request.params.id)),
  )
  routes.delete(
    '/v1/webhook-endpoints/:id',
    {
      onRequest,
      schema: {
        ...about('Delete an endpoint'),
        params: endpointParams,
        response: { 204: z.undefined().meta({ description: 'Deleted' }), ...refusals },
      },
    },
    async (request, reply) => {
      await tenantOf(request).transaction((tx) => deleteEndpoint(tx, environment, callerOf(request), request.params.id))
      return await reply.code(204).send()
    },
  )
  routes.post(
    '/v1/webhook-endpoints/:id/rotate-secret',
    {
      onRequest,
      schema: {
        ...about('New secret; the old one signs beside it for a while'),
        headers: idempotencyHeaders,
        params: endpointParams,
        body: rotateSecretBody,
        response: { 200: endpointAnswer, ...refusals },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const { id } = request.params
      const overlapMs = request.body.overlapHours * hourMs
      return await answerOnce(idempotency, request, reply, async (tx) => {
        const rotated = await rotateEndpointSecret(tx, environment, vault, caller, id, overlapMs)
        return { ...jsonAnswer(200, withSecret(rotated)), isSecret: true }
      })
    },
  )
  routes.post(
    '/v1/webhook-endpoints/:id/resume',
    {
      onRequest,
      schema: {
        ...about('Resume a paused endpoint'),
        params: endpointParams,
        response: { 200: endpointAnswer, ...refusals },
      },
    },
    async (request) =>
      shown(
        await tenantOf(request).transaction((tx) =>
          resumeEndpoint(tx, environment, callerOf(request), request.params.id),
        ),
      ),
  )
  routes.post(
    '/v1/webhook-endpoints/:id/test',
    {
      onRequest,
      schema: {
        ...about('Send a webhook.test event now and tell what came back'),
        params: endpointParams,
        response: { 200: testAnswer, ...refusals },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const endpoint = await getEndpoint(tenantOf(request), caller, request.params.id)
      const secrets = await endpointSecrets(tenantOf(request), vault, caller, endpoint.id)
      const answer = await testEndpoint(endpoint, secrets, environment, post, signEvent)
      return answer.kind === 'answered'
        ? { delivered: answer.status >= 200 && answer.status < 300, status: answer.status, error: null }
        : { delivered: false, status: null, error: answer.error }
    },
  )

  routes.get(
    '/v1/events',
    {
      onRequest: requireScope(authenticate, 'events:read'),
      schema: {
        tags: ['Events'],
        summary: 'The same events as the webhooks, for those who would rather pull',
        security: portalScope('events:read'),
        querystring: eventsQuery,
        response: { 200: eventFeed, ...refusals },
      },
    },
    async (request) => {
      const { after, limit } = request.query
      const events = await readFeed(tenantOf(request), callerOf(request).clientId, BigInt(after), limit)
      return {
        events: events.map(({ position, body }) => ({ cursor: position.toString(), event: eventObject(body) })),
        nextCursor: events.at(-1)?.position.toString() ?? after,
      }
    },
  )
  routes.post(
    '/v1/events/:id/replay',
    {
      onRequest,
      schema: {
        tags: ['Events'],
        summary: 'Send an event again to every endpoint, under its own id',
        security: portalScope('webhooks:manage'),
        params: eventParams,
        response: { 200: replayAnswer, ...refusals },
      },
    },
    async (request) => ({
      deliveries: await tenantOf(request).transaction((tx) =>
        replayEvent(tx, environment, callerOf(request), request.params.id),
      ),
    }),
  )
}

function shown(endpoint: WebhookEndpoint): Omit<z.infer<typeof endpointAnswer>, 'secret'> {
  return { ...endpoint, createdAt: endpoint.createdAt.toISOString() }
}

function withSecret({ endpoint, secret }: EndpointWithSecret): z.infer<typeof endpointAnswer> {
  return { ...shown(endpoint), secret }
}

/** Our own stored text, written by eventText. */
function eventObject(body: string): Record<string, unknown> {
  return JSON.parse(body)
}
