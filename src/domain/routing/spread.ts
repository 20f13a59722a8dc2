/**
 * Spreads demands over equal accounts by their weights: the same demand always finds the same account, whichever replica
 * asks, and taking one account away moves only the demands that were its own (weighted rendezvous hashing).
 */
import { createHash } from 'node:crypto'

export type Weighted = { readonly id: string; readonly weight: number }

/**
 * The members in the order in which they are tried. Weight 0 comes after every other weight.
 * @param key what is spread, an invoice id; null: nothing in particular, the heaviest goes first
 */
export function spreadOver<Member extends Weighted>(key: string | null, members: readonly Member[]): Member[] {
  const byId = (a: Member, b: Member): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  if (key === null) return [...members].sort((a, b) => b.weight - a.weight || byId(a, b))
  return members
    .map((member) => ({ member, reserve: member.weight === 0, wait: waitOf(key, member) }))
    .sort((a, b) => Number(a.reserve) - Number(b.reserve) || a.wait - b.wait || byId(a.member, b.member))
    .map(({ member }) => member)
}

/** Exponential clocks: the first to ring is this member with a chance of its weight over the sum of all weights. */
function waitOf(key: string, { id, weight }: Weighted): number {
  const digest = createHash('sha256').update(`${key} ${id}`).digest()
  const uniform = (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48
  return -Math.log(uniform) / (weight === 0 ? 1 : weight)
}
