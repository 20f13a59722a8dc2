import type { HttpAnswer, Step } from '../../adapters/contract.ts'
import type { HttpCaller } from '../network/http-caller.ts'

/** Rails need at most a token call, a session call and the call itself. */
const maxCalls = 4

/** Makes the calls of an adapter's steps one after another and returns the last result. Throws `HttpCallError`. */
export async function runSteps<T>(
  first: Step<T>,
  read: ((answer: HttpAnswer, state: unknown) => Step<T>) | undefined,
  call: HttpCaller,
): Promise<T> {
  let step = first
  for (let calls = 0; step.kind === 'call'; calls++) {
    if (read === undefined) throw new TypeError('the adapter makes a call but cannot read its answer')
    if (calls === maxCalls) throw new RangeError(`the adapter made more than ${maxCalls} calls`)
    step = read(await call(step.call), step.state)
  }
  return step.result
}
