/** Does a newer journal still hold what an old checkpoint stood for? Every link between the two is recomputed. */
import type { KeyFinder } from '../signing/compact-jws.ts'
import { type BatchLink, isLinked, readCheckpoint, sameLink } from './checkpoint.ts'

export type Link = { readonly link: BatchLink; readonly checkpoints: readonly string[] }

export type Consistency =
  | { readonly ok: true; readonly from: bigint; readonly to: bigint }
  | { readonly ok: false; readonly reason: string }

/**
 * @param old a checkpoint kept outside
 * @param links the journal as it is now, from the checkpoint's batch on, in order
 */
export async function proveConsistency(
  old: string,
  links: AsyncIterable<Link> | Iterable<Link>,
  find: KeyFinder,
): Promise<Consistency> {
  const kept = readCheckpoint(old, find)
  if (kept === null) return refuse('the old checkpoint is not signed by a key of this set')
  let last: Link | null = null
  for await (const next of links) {
    if (next.link.number < kept.link.number) continue
    if (last === null) {
      if (next.link.number !== kept.link.number) break
      if (!sameLink(next.link, kept.link))
        return refuse(`batch ${next.link.number} is not the one the checkpoint stands for`)
    } else {
      const { number, previous } = next.link
      if (number !== last.link.number + 1n) return refuse(`batch ${last.link.number + 1n} is missing`)
      if (previous === null || !previous.equals(last.link.chain))
        return refuse(`batch ${number} does not follow the one before`)
      if (!isLinked(next.link)) return refuse(`the link of batch ${number} is not that of its fields`)
    }
    last = next
  }
  if (last === null) return refuse(`the journal no longer reaches batch ${kept.link.number}`)
  // The newest link covers all before it; one good signature of it is enough, and none may contradict it.
  const signed = last.checkpoints.map((jws) => readCheckpoint(jws, find))
  const { link } = last
  if (signed.length === 0 || !signed.every((one) => one !== null && sameLink(one.link, link)))
    return refuse(`batch ${link.number} is not signed as it stands`)
  return { ok: true, from: kept.link.number, to: link.number }
}

function refuse(reason: string): Consistency {
  return { ok: false, reason }
}
