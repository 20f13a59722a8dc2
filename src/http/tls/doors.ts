import type { FastifyInstance } from 'fastify'
import { Problem } from '../../problem/problem.ts'
import type { ClientCertificates, Door } from './client-certificates.ts'

/** What each listener serves, by the beginning of the route; the public one serves everything. */
const routesOfDoor: Readonly<Record<Exclude<Door, 'public'>, readonly string[]>> = {
  bank: ['/callbacks/'],
  portal: ['/v1/', '/oauth/token', '/.well-known/'],
}

/** Everything else looks like an address that does not exist. Before routes are registered. */
export function guardDoors(server: FastifyInstance, { doorOf }: ClientCertificates): void {
  server.addHook('onRequest', async (request) => {
    const door = doorOf(request.raw)
    if (door === 'public') return
    const route = request.routeOptions.url
    if (route === undefined || !routesOfDoor[door].some((start) => route.startsWith(start)))
      throw new Problem('NOT_FOUND')
  })
}
