/**
 * How much one address may ask of routes that know no client (docs/decisions/032). Counted by the rate limiter, in Redis for all
 * replicas, in bounded memory without it.
 */
import { isIPv6 } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { RateLimiter } from './rate-limit.ts'

/** Requests per address and minute. Carriers put thousands of phones behind one address: only what no payer does is low. */
export const addressLimits = {
  /** Tokens asked for. */
  token: 120,
  /** Payment pages and their assets. */
  pages: 3_000,
  /** Payment pages that do not exist: a payer mistypes no link. */
  wrongPages: 60,
  /** Callbacks to accounts that do not exist, and addresses that lead nowhere. */
  nowhere: 120,
} as const

export type AddressLimiter = (request: Pick<FastifyRequest, 'ip'>, what: keyof typeof addressLimits) => Promise<void>

/** Throws 429 when the address has had its share of this minute. */
export function createAddressLimiter(limit: RateLimiter): AddressLimiter {
  return async ({ ip }, what) => await limit(`${what} ${networkOf(ip)}`, addressLimits[what])
}

/** One household or host is a /64 in IPv6, whatever address it takes in it. */
export function networkOf(address: string): string {
  const bare = address.split('%')[0] ?? ''
  if (!isIPv6(bare)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = bare.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups =
    tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
