/** A dossier system with a webhook of its own: believes only what verifies, remembers what it heard in which order. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { loopback, portOf } from '../harness/ports.ts'

export class DossierSystem {
  readonly port: number
  secret = ''
  /** Answers 500 although it took the event. */
  failsAfter = false
  /** Event ids in the order in which they were first heard. */
  readonly heard: string[] = []
  /** What no dossier system should ever see. */
  readonly faults: string[] = []
  repeats = 0
  private readonly server: Server
  private readonly bodies = new Map<string, string>()
  private readonly latest = new Map<string, number>()

  private constructor(server: Server) {
    this.server = server
    this.port = portOf(server)
    server.on('request', (request, response) => {
      void collect(request).then(
        (body) => {
          this.take(request.headers, body)
          response.writeHead(this.failsAfter ? 500 : 200).end()
        },
        // The connection broke before the event was whole: nothing was heard.
        () => undefined,
      )
    })
  }

  static async open(): Promise<DossierSystem> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, loopback, resolve))
    return new DossierSystem(server)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private take(headers: IncomingMessage['headers'], body: string): void {
    try {
      new Webhook(this.secret).verify(body, headers as Record<string, string>)
    } catch (error) {
      this.faults.push(`a delivery does not verify: ${error instanceof Error ? error.message : String(error)}`)
      return
    }
    const event = JSON.parse(body) as {
      id: string
      type: string
      data: { sequence?: number; invoice?: { id: string } }
    }
    const known = this.bodies.get(event.id)
    if (known !== undefined) {
      this.repeats++
      if (known !== body) this.faults.push(`event ${event.id} came with two bodies`)
      return
    }
    this.bodies.set(event.id, body)
    const invoiceId = event.data.invoice?.id
    const sequence = event.data.sequence
    if (invoiceId !== undefined && sequence !== undefined) {
      const before = this.latest.get(invoiceId) ?? -1
      if (before > sequence) this.faults.push(`${event.type} ${sequence} of ${invoiceId} came after ${before}`)
      this.latest.set(invoiceId, sequence)
    }
    this.heard.push(event.id)
  }
}

async function collect(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
