import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Bytes of the heap that are really in use: what garbage there is has been collected first. */
export function heapInUse(): number {
  if (typeof collect !== 'function') throw new Error('no garbage collector to call')
  collect()
  return process.memoryUsage().heapUsed
}
