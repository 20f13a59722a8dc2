import { signDetached } from './compact-jws.ts'
import type { KeyRing } from './key-ring.ts'

/** Detached JWS over the exact body of an event, sent as the header `feegate-event-jws`. */
export type EventSigner = (body: string) => Promise<string>

export function createEventSigner(keys: KeyRing): EventSigner {
  return (body) => Promise.resolve(signDetached(keys.active(), 'feegate-event+jws', Buffer.from(body, 'utf8')))
}
