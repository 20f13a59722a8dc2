/** References: ours (`vnp_TxnRef`) and VNPAY's (`vnp_TransactionNo`). */

/** Our reference of an attempt: `FG` and the sequence in base 36, at least 10 characters, at most 20. RangeError beyond that. */
export function attemptReference(sequence: bigint): string {
  const digits = sequence.toString(36).toUpperCase()
  if (sequence < 0n || digits.length > 18) throw new RangeError(`sequence ${sequence} does not fit a reference`)
  return `FG${digits.padStart(8, '0')}`
}

/** VNPAY's key of a transaction (rails.md §1.3); our reference stands in where nothing happened at VNPAY. */
export function transactionKey(tmnCode: string, transactionNo: string, txnRef: string): string {
  return transactionNo === '' || transactionNo === '0' ? txnRef : `${tmnCode}:${transactionNo}`
}

/** The `vnp_TransactionNo` in a key made by `transactionKey`; `0` when it has none. */
export function transactionNoOf(key: string, tmnCode: string): string {
  const prefix = `${tmnCode}:`
  return key.startsWith(prefix) ? key.slice(prefix.length) : '0'
}
