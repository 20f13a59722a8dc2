import { signDetachedWith } from './compact-jws.ts'
import type { KeyProvider } from './key-provider.ts'

/** Detached JWS over the exact body of an event, sent as the header `feegate-event-jws`. */
export type EventSigner = (body: string) => Promise<string>

export function createEventSigner(keys: KeyProvider): EventSigner {
  return (body) => signDetachedWith(keys, 'feegate-event+jws', Buffer.from(body, 'utf8'))
}
