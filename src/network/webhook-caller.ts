/**
 * Posts to addresses that clients gave us, so every rule here is against being led somewhere else (SSRF): https only, no
 * redirects, and the address is checked when the connection is made, after name resolution, not before.
 */
import { lookup } from 'node:dns'
import ipaddr from 'ipaddr.js'
import { Agent, buildConnector, request } from 'undici'

export type WebhookPost = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
/** `status` is the receiver's; its body is not read beyond a little. */
export type WebhookAnswer =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly error: string }
export type WebhookCaller = (post: WebhookPost) => Promise<WebhookAnswer>

export type WebhookRules = {
  /** CIDR ranges that may be reached although they are not public, e.g. a government network; by plain http too when the URL names the address. */
  readonly allowedRanges: readonly string[]
  readonly timeoutMs: number
}

const compatible = ipaddr.IPv6.parseCIDR('::/96')

/** Why an address may not be used; null when it may. */
export function refusedAddress(address: string, allowedRanges: readonly string[]): string | null {
  if (!ipaddr.isValid(address)) return 'not an IP address'
  const parsed = ipaddr.process(address)
  // `::7f00:1` is 127.0.0.1 in a spelling that was given up; some systems still follow it.
  if (parsed.kind() === 'ipv6' && parsed.match(compatible)) return 'address range ipv4Compatible is not allowed'
  for (const range of allowedRanges) {
    const [network, bits] = ipaddr.parseCIDR(range)
    if (network.kind() === parsed.kind() && parsed.match(network, bits)) return null
  }
  const kind = parsed.range()
  return kind === 'unicast' ? null : `address range ${kind} is not allowed`
}

/** Why a URL may not be registered; null when it may. The address it resolves to is checked again at each connection. */
export function refusedWebhookUrl(text: string, allowedRanges: readonly string[]): string | null {
  if (!URL.canParse(text) || text.length > 2048) return 'not a URL'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    return 'user names, passwords and fragments are not allowed'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const refused = ipaddr.isValid(host) ? refusedAddress(host, allowedRanges) : null
  if (refused !== null) return refused
  if (url.protocol === 'https:') return null
  // In the clear only to an address that was allowed by name: a host name could resolve to anywhere.
  const insideAllowed = ipaddr.isValid(host) && ipaddr.process(host).range() !== 'unicast'
  return url.protocol === 'http:' && insideAllowed ? null : 'only https is allowed'
}

export function createWebhookCaller({ allowedRanges, timeoutMs }: WebhookRules): {
  post: WebhookCaller
  close(): Promise<void>
} {
  const connect = buildConnector({
    timeout: Math.min(timeoutMs, 5_000),
    lookup(hostname, options, callback) {
      lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error !== null) {
          callback(error, [])
          return
        }
        const refused = addresses
          .map(({ address }) => refusedAddress(address, allowedRanges))
          .find((reason) => reason !== null)
        // One bad address among several is enough: a name that also points inside is not trusted at all.
        if (refused !== undefined) callback(new Error(refused), [])
        else callback(null, addresses)
      })
    },
  })
  const dispatcher = new Agent({
    connections: 16,
    pipelining: 1,
    connect(options, callback) {
      // A literal address skips name resolution, so it is checked here.
      const host = options.hostname.replace(/^\[|\]$/g, '')
      const refused = ipaddr.isValid(host) ? refusedAddress(host, allowedRanges) : null
      if (refused !== null) callback(new Error(refused), null)
      else connect(options, callback)
    },
  })
  return {
    async post({ url, headers, body }) {
      const refused = refusedWebhookUrl(url, allowedRanges)
      if (refused !== null) return { kind: 'failed', error: refused }
      try {
        const answer = await request(url, {
          dispatcher,
          method: 'POST',
          headers,
          body,
          signal: AbortSignal.timeout(timeoutMs),
          headersTimeout: timeoutMs,
          bodyTimeout: timeoutMs,
        })
        await answer.body.dump({ limit: 64 * 1024 })
        return { kind: 'answered', status: answer.statusCode }
      } catch (error) {
        return { kind: 'failed', error: describe(error) }
      }
    },
    close: () => dispatcher.close(),
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  return `${code}${error.message}`.slice(0, 300)
}
