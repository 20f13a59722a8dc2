/** VNPAY's number of a transaction (`vnp_TransactionNo`) as a key that no other terminal shares. */

/** VNPAY's key of a transaction (rails.md §1.3); our reference stands in where nothing happened at VNPAY. */
export function transactionKey(tmnCode: string, transactionNo: string, txnRef: string): string {
  return transactionNo === '' || transactionNo === '0' ? txnRef : `${tmnCode}:${transactionNo}`
}

/** The `vnp_TransactionNo` in a key made by `transactionKey`; `0` when it has none. */
export function transactionNoOf(key: string, tmnCode: string): string {
  const prefix = `${tmnCode}:`
  return key.startsWith(prefix) ? key.slice(prefix.length) : '0'
}
