/** Reading and writing files takes real time. The world waits until none is under way, so that how fast a machine is decides nothing. */
import { createHook } from 'node:async_hooks'

const underWay = new Set<number>()

createHook({
  trackPromises: false,
  init(id, type) {
    if (type.startsWith('FSREQ')) underWay.add(id)
  },
  before(id) {
    underWay.delete(id)
  },
  destroy(id) {
    underWay.delete(id)
  },
}).enable()

export function isRealWorkUnderWay(): boolean {
  return underWay.size > 0
}
