/** A dossier system of the tests' own: keeps what it received and answers as it is told. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export type Received = { readonly headers: Record<string, string>; readonly body: string }
export type Receiver = {
  readonly url: string
  readonly received: Received[]
  /** Statuses of the next answers, then 200; 0 cuts the connection. */
  answerWith(...statuses: number[]): void
  until(count: number): Promise<void>
}

export async function testReceiver(t: Test): Promise<Receiver> {
  const received: Received[] = []
  const statuses: number[] = []
  const server = createServer((request, response) => {
    void collect(request).then((body) => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      received.push({ headers, body })
      const status = statuses.shift() ?? 200
      if (status === 0) request.socket.destroy()
      else response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:9/' } : {}).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks`,
    received,
    answerWith: (...next) => void statuses.push(...next),
    async until(count) {
      for (let waited = 0; received.length < count; waited += 20) {
        if (waited > 10_000) throw new Error(`${received.length} of ${count} deliveries after 10 s`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

async function collect(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
