/**
 * The configs of a rail account while a bank changes its keys or secrets (docs/keys.md): the one in force, one that comes, one
 * that goes. Each is a whole config of the rail, so adapters know nothing of this.
 */
export type KeySets = {
  readonly current: unknown
  /** Accepted at once; signs from `signsFrom`, and the current one is accepted beside it until `currentUntil`. */
  readonly next: { readonly config: unknown; readonly signsFrom: Date; readonly currentUntil: Date } | null
  /** Accepted, never signing, until `until`. */
  readonly previous: { readonly config: unknown; readonly until: Date } | null
}

/** The configs whose signatures are believed now, the one that signs first. */
export function configsAt({ current, next, previous }: KeySets, now: Date): readonly [unknown, ...unknown[]] {
  const goes = previous !== null && now < previous.until ? [previous.config] : []
  if (next === null) return [current, ...goes]
  if (now < next.signsFrom) return [current, next.config, ...goes]
  return [next.config, ...(now < next.currentUntil ? [current] : []), ...goes]
}
