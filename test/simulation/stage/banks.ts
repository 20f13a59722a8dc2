/** The banks: the sandbox's own simulators, on the world's network and clock instead of the machine's. */
import type { FastifyInstance } from 'fastify'
import { makeContext, type SandboxContext, type SandboxNetwork } from '../../../src/sandbox/context.ts'
import type { SandboxKeys } from '../../../src/sandbox/keys.ts'
import { type Sandbox, startSandbox } from '../../../src/sandbox/start.ts'
import { exchange } from '../engine/network.ts'
import type { Host, World } from '../engine/world.ts'
import { type HttpRequest, type HttpResponse, publicUrl } from './replicas.ts'

export class Banks {
  readonly sandbox: Sandbox
  /** Base URLs of partners to which no connection can be made now. */
  readonly away = new Set<string>()
  /** For partners beside the sandbox's own. */
  readonly context: SandboxContext
  private readonly servers: ReadonlyMap<string, FastifyInstance>

  private constructor(sandbox: Sandbox, context: SandboxContext, servers: ReadonlyMap<string, FastifyInstance>) {
    this.sandbox = sandbox
    this.context = context
    this.servers = servers
  }

  static async open(
    world: World,
    host: Host,
    keys: SandboxKeys,
    gateway: (request: HttpRequest) => Promise<HttpResponse>,
  ): Promise<Banks> {
    const servers = new Map<string, FastifyInstance>()
    const network: SandboxNetwork = {
      async listen(server) {
        const name = `partner-${servers.size + 1}.sim`
        servers.set(name, server)
        await server.ready()
        return `http://${name}`
      },
      async send({ method, url, headers, body }, timeoutMs) {
        const path = url.startsWith(publicUrl) ? url.slice(publicUrl.length) : url
        const result = await exchange(world, {
          from: host,
          operation: 'callback',
          label: `${method} ${path.split('?')[0]}`,
          timeoutMs,
          deliver: () => gateway({ method, url: path, headers, ...(body === undefined ? {} : { body }) }),
        })
        if (result.kind !== 'answered') throw new Error(result.kind)
        const { status, headers: named, body: text } = result.answer
        world.record('banks', `${path.split('?')[0]} was answered ${status} ${text.slice(0, 80)}`)
        return { status, contentType: named['content-type'] ?? '', body: text, headers: named }
      },
      close: () => Promise.resolve(),
    }
    const random = world.random.fork('banks')
    const context = makeContext({
      clock: { now: () => new Date(world.now) },
      timers: { after: (ms, task) => world.at(host, world.now + ms, task) },
      random: (length) => random.bytes(length),
      network,
    })
    return new Banks(await startSandbox({ ...context, keys }), context, servers)
  }

  nameOf(url: string): string {
    return new URL(url).host
  }

  async receive({ method, url, headers, body }: HttpRequest): Promise<HttpResponse> {
    const { host, pathname, search } = new URL(url)
    if (this.away.has(`http://${host}`)) throw new Error(`${host} is away`)
    const server = this.servers.get(host)
    if (server === undefined) throw new Error(`no partner ${host}`)
    const answer = await server.inject({
      method: method as 'GET',
      url: pathname + search,
      headers: { ...headers },
      ...(body === undefined ? {} : { payload: body }),
    })
    const flat: Record<string, string> = {}
    for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) flat[name] = String(value)
    return { status: answer.statusCode, headers: flat, body: answer.body }
  }
}
