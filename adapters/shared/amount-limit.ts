/** @throws RangeError outside the amounts a rail carries. The gateway asks `capabilities` before; this is the second lock. */
export function requireCarried(amount: bigint, rail: string, min: bigint, max: bigint): void {
  if (amount < min || amount > max) throw new RangeError(`${rail} cannot carry ${amount} VND`)
}
