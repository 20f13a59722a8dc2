/** A receiver's check of Standard Webhooks headers, written from the specification alone. */
import { createHmac, timingSafeEqual } from 'node:crypto'

const toleranceSeconds = 5 * 60

export type WebhookHeaders = Readonly<Record<string, string | undefined>>

/** Null when the delivery is genuine and fresh; else why not. */
export function webhookFault(headers: WebhookHeaders, body: Buffer, secret: string, now: Date): string | null {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers
  if (id === undefined || timestamp === undefined || signatures === undefined) return 'a webhook header is missing'
  if (!/^\d{1,12}$/.test(timestamp)) return 'webhook-timestamp is no number'
  const age = Math.abs(now.getTime() / 1000 - Number(timestamp))
  if (age > toleranceSeconds) return `webhook-timestamp is ${Math.round(age)} s away`
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  // One signature per valid secret of the sender: any that fits will do.
  const isSigned = signatures.split(' ').some((entry) => {
    const [version, text = ''] = entry.split(',')
    const given = Buffer.from(text, 'base64')
    return version === 'v1' && given.length === mac.length && timingSafeEqual(given, mac)
  })
  return isSigned ? null : 'no webhook-signature fits'
}
