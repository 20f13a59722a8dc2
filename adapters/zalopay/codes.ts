/** ZaloPay's codes (rails.md §5.2). `return_code` tells the result; `sub_return_code` why. */

/** `return_code` of create, query, refund and query_refund. */
export const returnCode = { done: 1, failed: 2, processing: 3 } as const

/** The request itself was bad: data, app or signature. */
const turnedAway = new Set([-401, -402])

/** No answer to the question: asked too often, fault, maintenance, app in maintenance. */
const noAnswer = new Set([-429, -500, -999, -33])

/** This id was used before, perhaps by our own first call. */
const duplicate = -68

/** An order that was certainly not opened. */
export function isOrderRefusal(subReturnCode: number): boolean {
  return turnedAway.has(subReturnCode)
}

/** A `failed` that speaks of our question, not of the payment or refund it asks about. */
export function isAboutQuestion(subReturnCode: number): boolean {
  return turnedAway.has(subReturnCode) || noAnswer.has(subReturnCode)
}

/** A `failed` that leaves open whether the refund was begun. */
export function isRefundDoubtful(subReturnCode: number): boolean {
  return noAnswer.has(subReturnCode) || subReturnCode === duplicate
}
