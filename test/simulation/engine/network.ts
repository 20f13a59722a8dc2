/**
 * Messages between parts, in two legs: the request on its way, and the answer on its way back. Each is let through by the world
 * and may be lost; the sender then hears nothing and gives up after its time limit, not knowing whether anything happened.
 */
import type { Fault, Host, Operation, World } from './world.ts'

export type Exchange<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Nothing can have reached the other side. */
  | { readonly kind: 'neverSent' }
  /** It may have arrived. */
  | { readonly kind: 'lost' }

export type Message<Answer> = {
  /** Who hears the answer; when it dies nobody does. */
  readonly from: Host
  readonly operation: Operation
  readonly label: string
  readonly timeoutMs: number
  /** The other side's work; rejects when it refuses the connection. */
  readonly deliver: () => Promise<Answer>
}

export function exchange<Answer>(world: World, message: Message<Answer>): Promise<Exchange<Answer>> {
  const { from, operation, label, timeoutMs, deliver } = message
  return new Promise((resolve) => {
    let over = false
    const end = (result: Exchange<Answer>): void => {
      if (over) return
      over = true
      giveUp()
      resolve(result)
    }
    const giveUp = world.at(from, world.now + timeoutMs, () => end({ kind: 'lost' }))
    const request = async (fault: Fault | null): Promise<() => void> => {
      if (fault === 'lost-before') return () => undefined
      deliver().then(
        (answer) => world.io(from, operation, `answer to ${label}`, (lost) => answerLeg(lost, answer)),
        () => end({ kind: 'neverSent' }),
      )
      // The request arrived; its answer will not be heard.
      if (fault === 'lost-after') over = true
      return () => {
        if (fault === 'lost-after') resolve({ kind: 'lost' })
      }
    }
    const answerLeg = (fault: Fault | null, answer: Answer): Promise<() => void> =>
      Promise.resolve(() => {
        if (fault !== 'lost-before' && fault !== 'lost-after') end({ kind: 'answered', answer })
      })
    world.io(from, operation, label, request)
  })
}
