/** Stands where the gateway's callbacks are and keeps what arrives. */
import { createServer } from 'node:http'
import type { Test } from 'tap'

export type Arrived = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export async function listenAsGateway(
  t: Test,
  answer: (arrived: Arrived) => { status?: number; body: string },
): Promise<{ url: string; arrived: Arrived[] }> {
  const arrived: Arrived[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value ?? '')]),
      )
      const seen = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers,
        body: Buffer.concat(parts).toString('utf8'),
      }
      arrived.push(seen)
      const { status = 200, body } = answer(seen)
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('the server has no port')
  return { url: `http://127.0.0.1:${address.port}`, arrived }
}

export const options = {
  host: '127.0.0.1',
  port: 0,
  now: () => new Date(),
  log: { info: () => undefined, warn: () => undefined },
}
