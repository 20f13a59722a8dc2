import type { Database } from '../store/database.ts'
import { deliveryChannel } from '../store/events.ts'
import { type ClaimedDelivery, claimDueDeliveries, type DispatchOptions, deliver, perEndpoint } from './dispatch.ts'

export type Dispatcher = {
  /** Stops claiming and waits for what is under way. */
  close(): Promise<void>
}

/** Deliveries under way at a time in this process. */
const maxUnderWay = 64
/** Looks again at the latest after this, for retries that have become due and wake-ups that were lost. */
const idleMs = 1_000

/** Keeps the outbox moving: woken by commits, by ends of deliveries and by time. */
export function startDispatcher(options: DispatchOptions & { readonly database: Database }): Dispatcher {
  const { environment, log } = options
  const stop = new AbortController()
  let wake = new AbortController()
  const underWay = new Map<ClaimedDelivery, Promise<void>>()
  const listening = options.database.listen(deliveryChannel, () => wake.abort())

  function busyEndpoints(): string[] {
    const counts = new Map<string, number>()
    for (const { endpointId } of underWay.keys()) counts.set(endpointId, (counts.get(endpointId) ?? 0) + 1)
    return [...counts].filter(([, count]) => count >= perEndpoint).map(([endpointId]) => endpointId)
  }

  function send(delivery: ClaimedDelivery): void {
    const sending = deliver(options, delivery)
      // The lease runs out and the event is sent again: nothing is lost by a failure to record.
      .catch((error: unknown) => log.error({ err: error, deliveryId: delivery.id }, 'delivery could not be recorded'))
      .finally(() => {
        underWay.delete(delivery)
        wake.abort()
      })
    underWay.set(delivery, sending)
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      wake = new AbortController()
      let claimed: ClaimedDelivery[] = []
      try {
        if (underWay.size < maxUnderWay)
          claimed = await claimDueDeliveries(options, maxUnderWay - underWay.size, busyEndpoints())
      } catch (error) {
        log.warn({ err: error }, 'deliveries could not be claimed')
      }
      for (const delivery of claimed) send(delivery)
      if (claimed.length === 0) await environment.sleep(idleMs, AbortSignal.any([stop.signal, wake.signal]))
    }
    await Promise.all(underWay.values())
  }

  const running = run()
  return {
    async close() {
      stop.abort()
      await running
      await (await listening).close()
    },
  }
}
