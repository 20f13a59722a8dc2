/** Calls over TLS with a client certificate, and a listener of a test gateway that asks for one. */
import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import type { ClientCertificates, Door } from '../../src/http/tls/client-certificates.ts'
import { startTlsListener, type TlsFiles, type TlsListener } from '../../src/http/tls/listener.ts'
import type { TestGateway } from './gateway.ts'
import type { Party } from './pki.ts'

export async function tlsListener(
  t: Test,
  gateway: TestGateway,
  clientCertificates: ClientCertificates,
  door: Door,
  files: TlsFiles,
): Promise<TlsListener & { readonly url: string }> {
  const { server } = gateway.gateway
  const listener = await startTlsListener({ server, clientCertificates, door, host: '127.0.0.1', port: 0, files })
  t.teardown(async () => {
    listener.cut()
    await listener.close()
  })
  return { ...listener, url: `https://127.0.0.1:${listener.port}` }
}

/** One caller with its own connection, kept alive between calls. */
export type TlsCaller = {
  call(
    url: string,
    options?: { method?: 'GET' | 'POST'; headers?: Record<string, string>; body?: string },
  ): Promise<{ readonly status: number; readonly text: string }>
  close(): Promise<void>
}

/** @param client null: no certificate */
export function tlsCaller(t: Test, root: Party, client: Party | null, others: readonly Party[] = []): TlsCaller {
  const certificates = (party: Party): Buffer =>
    Buffer.concat([party, ...others].map(({ certificateFile }) => readFileSync(certificateFile)))
  const agent = new Agent({
    connections: 1,
    connect: {
      ca: readFileSync(root.certificateFile),
      ...(client === null ? {} : { cert: certificates(client), key: readFileSync(client.keyFile) }),
    },
  })
  t.teardown(() => agent.destroy())
  return {
    async call(url, { method = 'GET', headers = {}, body } = {}) {
      const answer = await request(url, {
        dispatcher: agent,
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      })
      return { status: answer.statusCode, text: await answer.body.text() }
    },
    close: () => agent.close(),
  }
}
