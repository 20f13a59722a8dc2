/** How far this process is behind with its own work: the delay of the event loop, as Node measures it. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

const resolutionMs = 20
/** A mean over this long is one long task's as little as it is yesterday's. */
const windowMs = 500

/** Milliseconds, the mean of the last whole window. */
export function watchLoopDelay(): { readonly delayMs: () => number; readonly stop: () => void } {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  let since = performance.now()
  let latest = 0
  return {
    delayMs() {
      const now = performance.now()
      if (now - since >= windowMs && histogram.count > 0) {
        latest = Math.max(0, histogram.mean / 1e6 - resolutionMs)
        histogram.reset()
        since = now
      }
      return latest
    },
    stop: () => void histogram.disable(),
  }
}
