/**
 * The bank wants request ids of at most 12 digits, unique among ours (rails.md §3.3).
 *
 * Two spaces that never meet:
 * - payments:        `7`, ten digits of our sequence, check digit. Our reference of the attempt, found again in remarks.
 * - everything else: `8` or `9` and eleven digits. A one-time-code check or an inquiry must never carry a payment's id:
 *   the bank's answers sign only request id, provider, merchant and status code, so the `00` that says "code sent"
 *   could otherwise be replayed as the `00` that says "paid".
 *
 * References begin with 7 because twelve digits in a remark are usually a personal id (begins with 0) or
 * an account number of this bank (begins with 1).
 */
import { createHash } from 'node:crypto'

const maxSequence = 9_999_999_999n
const auxiliaryIds = 200_000_000_000n

/** Our reference and request id of a payment. Throws RangeError when the sequence has more than ten digits. */
export function paymentReference(sequence: bigint): string {
  if (sequence < 0n || sequence > maxSequence)
    throw new RangeError(`sequence ${sequence} does not fit a payment reference`)
  const body = `7${sequence.toString().padStart(10, '0')}`
  return body + checkDigit(body)
}

export function isPaymentReference(text: string): boolean {
  return /^7\d{11}$/.test(text) && checkDigit(text.slice(0, 11)) === text.slice(11)
}

/** Payment references that stand alone in a remark (no letter or digit beside them), each once. */
export function findPaymentReferences(remark: string): string[] {
  const words = remark.split(/[^0-9A-Za-z]+/).filter(isPaymentReference)
  return [...new Set(words)]
}

/**
 * Request id of a code check or an inquiry, from the gateway's unique id of the call.
 * SHA-256 spreads the ids over 2 × 10^11 values; if two ever meet the bank refuses the second as repeated and the payer or
 * the watcher tries again under a new one. No money depends on it.
 */
export function auxiliaryRequestId(callId: string): string {
  const hash = createHash('sha256').update(callId).digest().readBigUInt64BE(0)
  return (800_000_000_000n + (hash % auxiliaryIds)).toString()
}

/** Luhn: finds every wrong digit and nearly every swap of neighbours. */
function checkDigit(body: string): string {
  let sum = 0
  for (let index = 0; index < body.length; index++) {
    const digit = Number(body[body.length - 1 - index])
    const doubled = digit * 2
    sum += index % 2 === 0 ? (doubled > 9 ? doubled - 9 : doubled) : digit
  }
  return String((10 - (sum % 10)) % 10)
}
