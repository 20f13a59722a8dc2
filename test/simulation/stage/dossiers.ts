/** A dossier system: believes only what verifies, remembers what it heard in which order, and has bad days. */
import { Webhook } from 'standardwebhooks'
import type { WebhookAnswer, WebhookPost } from '../../../src/network/webhook-caller.ts'
import type { World } from '../engine/world.ts'

export type DossierMode = 'well' | 'away' | 'failing' | 'failing-after'

export type Heard = {
  readonly id: string
  readonly type: string
  readonly invoiceId: string
  readonly sequence: number
  readonly body: string
}

export class DossierSystem {
  mode: DossierMode = 'well'
  secret = ''
  /** First hearings, in order of arrival. */
  readonly heard: Heard[] = []
  /** What no dossier system should ever see. */
  readonly faults: string[] = []
  private readonly bodies = new Map<string, string>()
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  receive({ headers, body }: WebhookPost): Promise<WebhookAnswer> {
    if (this.mode === 'away') return Promise.reject(new Error('refused'))
    if (this.mode !== 'failing') this.take(headers, body)
    return Promise.resolve({ kind: 'answered', status: this.mode === 'well' ? 200 : 500 })
  }

  private take(headers: Readonly<Record<string, string>>, body: string): void {
    try {
      // Its own clock check uses real time: only the signature is asked for, as its library does it.
      const webhook = new Webhook(this.secret)
      const expected = webhook.sign(
        headers['webhook-id'] ?? '',
        new Date(Number(headers['webhook-timestamp']) * 1000),
        body,
      )
      if (!(headers['webhook-signature'] ?? '').split(' ').includes(expected)) throw new Error('signature differs')
    } catch (error) {
      this.faults.push(`a delivery does not verify: ${error instanceof Error ? error.message : String(error)}`)
      return
    }
    const event = JSON.parse(body) as {
      id: string
      type: string
      data: { sequence?: number; invoice?: { id: string } }
    }
    const known = this.bodies.get(event.id)
    if (known !== undefined) {
      if (known !== body) this.faults.push(`event ${event.id} came with two bodies`)
      return
    }
    if (event.id !== headers['webhook-id']) this.faults.push(`event ${event.id} came under another id`)
    this.bodies.set(event.id, body)
    const invoiceId = event.data.invoice?.id ?? ''
    const sequence = event.data.sequence ?? 0
    const before = this.heard.filter((other) => other.invoiceId === invoiceId).at(-1)
    if (before !== undefined && invoiceId !== '' && before.sequence > sequence)
      this.faults.push(`${event.type} ${sequence} of ${invoiceId} came after ${before.type} ${before.sequence}`)
    this.heard.push({ id: event.id, type: event.type, invoiceId, sequence, body })
    this.world.record('dossiers', `hears ${event.type} ${sequence} of ${invoiceId}`)
  }
}
