/** A receiver's two checks of a delivery: Standard Webhooks with the shared secret, and the event's JWS with the published keys. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { compactVerify, createRemoteJWKSet } from 'jose'

const toleranceSeconds = 300

/** Null when the delivery is genuine and fresh; else why it is not believed. `secret` is `whsec_` and base64. */
export function webhookFault(header: (name: string) => string, body: string, secret: string, now: Date): string | null {
  const [id, timestamp] = [header('webhook-id'), header('webhook-timestamp')]
  if (secret === '') return 'no secret is set'
  if (id === '' || !/^\d{1,12}$/.test(timestamp)) return 'webhook-id or webhook-timestamp is missing'
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > toleranceSeconds) return 'webhook-timestamp is too far away'
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  // One signature per valid secret of the sender while it rotates: any that fits will do.
  const isSigned = header('webhook-signature')
    .split(' ')
    .some((candidate) => {
      const [version, value = ''] = candidate.split(',')
      const given = Buffer.from(value, 'base64')
      return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
    })
  return isSigned ? null : 'no webhook-signature fits'
}

export type EventKeys = ReturnType<typeof createRemoteJWKSet>

/** Keys at `url`, fetched when first needed and again when a signature names one that is not among them. */
export function eventKeysAt(url: string): EventKeys {
  return createRemoteJWKSet(new URL(url), { cooldownDuration: 1_000, timeoutDuration: 5_000 })
}

/** Null when the JWS signs exactly this body. RFC 7515 appendix F: the payload travels beside the signature. */
export async function eventJwsFault(jws: string, body: string, keys: EventKeys): Promise<string | null> {
  const [header = '', payload = '', signature = '', ...rest] = jws.split('.')
  if (header === '' || payload !== '' || signature === '' || rest.length > 0)
    return 'feegate-event-jws is missing or not detached'
  try {
    const attached = `${header}.${Buffer.from(body).toString('base64url')}.${signature}`
    const { protectedHeader } = await compactVerify(attached, keys)
    return protectedHeader.typ === 'feegate-event+jws' ? null : 'the JWS is not of an event'
  } catch (error) {
    return `the JWS does not verify: ${error instanceof Error ? error.message : String(error)}`
  }
}
