/** Liveness, readiness and metrics. */
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../../metrics.ts'

export type ProbeOptions = {
  readonly metrics: Metrics
  /** Names of the parts that are not ready; empty when all are. Redis is no such part: without it the service works. */
  readonly notReady: () => Promise<readonly string[]>
}

export function registerProbeRoutes(server: FastifyInstance, { metrics, notReady }: ProbeOptions): void {
  // Alive means: this process answers. A dependency that is down is no reason to restart it.
  server.get('/healthz', { schema: { hide: true } }, (_request, reply) => reply.send({ status: 'alive' }))
  server.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const parts = await notReady()
    if (parts.length === 0) return reply.send({ status: 'ready' })
    return reply.code(503).header('retry-after', 5).send({ status: 'not ready', parts })
  })
  server.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}
