/**
 * A listener of our own that asks callers for a certificate: one for banks, one for portals. It decides nothing: it ends TLS, tells
 * which door a request came in by, and hands it to the gateway's one router.
 */
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { CertificateFileError } from '../../signing/certificate-trust.ts'
import { readPrivateFile } from '../../signing/private-file.ts'
import { serverTimes } from '../server.ts'
import type { ClientCertificates, Door } from './client-certificates.ts'

export type TlsFiles = {
  /** PEM: our certificate with those that lead to its authority, and its private key. */
  readonly certificate: string
  readonly key: string
  /** PEM bundles and revocation lists against which OpenSSL checks callers; empty: any certificate, even one's own. */
  readonly authorities: readonly string[]
  readonly crls: readonly string[]
}

export type TlsListener = {
  readonly port: number
  /** New connections get the files as they are now. What cannot be read leaves everything as it was, and throws. */
  reload(): void
  /** No new connections, and those that are idle end; resolves when the requests under way are answered. */
  close(): Promise<void>
  /** Ends even those that are not. */
  cut(): void
}

export async function startTlsListener(options: {
  readonly server: FastifyInstance
  readonly clientCertificates: ClientCertificates
  readonly door: Door
  readonly host: string
  readonly port: number
  readonly files: TlsFiles
}): Promise<TlsListener> {
  const { server, clientCertificates, door, host, port, files } = options
  const https = createServer({
    ...contextOf(files),
    requestCert: true,
    // Refused by the gateway and not by the handshake: so it leaves evidence and a number, and has one shape for all callers.
    rejectUnauthorized: false,
    handshakeTimeout: 10_000,
    maxHeaderSize: serverTimes.maxHeaderBytes,
    connectionsCheckingInterval: serverTimes.checkEveryMs,
  })
  https.on('request', (request, response) => {
    clientCertificates.enteredBy(request, door)
    server.routing(request, response)
  })
  https.requestTimeout = serverTimes.requestTimeoutMs
  https.keepAliveTimeout = serverTimes.keepAliveTimeoutMs
  https.timeout = serverTimes.connectionTimeoutMs
  await listening(https, host, port)
  return {
    port: (https.address() as AddressInfo).port,
    reload: () => https.setSecureContext(contextOf(files)),
    close: () =>
      new Promise((resolve, reject) => {
        https.close((error) => (error === undefined ? resolve() : reject(error)))
        https.closeIdleConnections()
      }),
    cut: () => https.closeAllConnections(),
  }
}

function contextOf({ certificate, key, authorities, crls }: TlsFiles): SecureContextOptions {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (error) {
      throw new CertificateFileError(`${path} cannot be read`, { cause: error })
    }
  }
  return {
    cert: read(certificate),
    key: readPrivateFile(key),
    ca: authorities.map(read),
    ...(crls.length === 0 ? {} : { crl: crls.map(read) }),
    minVersion: 'TLSv1.2',
    // Each connection shows its certificate: none is taken up again from a ticket after a certificate was revoked.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
