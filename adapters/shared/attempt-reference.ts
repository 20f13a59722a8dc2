/** Our reference of an attempt, for rails that take letters and digits and want a new one each time (domain.md §7.2). */

/** `FG` and the sequence in base 36: 10 to 20 characters, unique because the sequence is. RangeError beyond that. */
export function attemptReference(sequence: bigint): string {
  const digits = sequence.toString(36).toUpperCase()
  if (sequence < 0n || digits.length > 18) throw new RangeError(`sequence ${sequence} does not fit a reference`)
  return `FG${digits.padStart(8, '0')}`
}
