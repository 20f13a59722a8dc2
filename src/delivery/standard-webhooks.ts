import { createHmac } from 'node:crypto'

/**
 * Headers of the Standard Webhooks specification: `webhook-signature` holds one `v1,` HMAC-SHA256 per valid secret over
 * `id.timestamp.body`, so a receiver verifies through a rotation of its secret.
 *
 * @param eventId stable over all attempts and replays: the receiver's dedupe key
 * @param secrets `whsec_` + base64 of 24–64 bytes
 */
export function standardWebhookHeaders(
  eventId: string,
  sentAt: Date,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = Math.floor(sentAt.getTime() / 1000).toString()
  const signatures = secrets.map(
    (secret) =>
      `v1,${createHmac('sha256', secretBytes(secret)).update(`${eventId}.${timestamp}.${body}`, 'utf8').digest('base64')}`,
  )
  return { 'webhook-id': eventId, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

/** A new secret from 32 random bytes. */
export function makeWebhookSecret(random: Uint8Array): string {
  return `whsec_${Buffer.from(random).toString('base64')}`
}

function secretBytes(secret: string): Buffer {
  return Buffer.from(secret.slice('whsec_'.length), 'base64')
}
