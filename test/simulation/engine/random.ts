/** A small seeded generator (sfc32). One stream per purpose, so that drawing more in one place moves nothing elsewhere. */
export type Random = {
  /** 0 ≤ value < 1. */
  next(): number
  /** 0 ≤ value < bound. */
  below(bound: number): number
  chance(probability: number): boolean
  pick<T>(values: readonly T[]): T
  bytes(length: number): Uint8Array
  /** A stream of its own, named by what it is for. */
  fork(name: string): Random
}

export function createRandom(seed: string): Random {
  let [a, b, c, d] = hash(seed)
  const word = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let round = 0; round < 12; round++) word()
  const random: Random = {
    next: () => word() / 0x1_0000_0000,
    below: (bound) => Math.floor((word() / 0x1_0000_0000) * bound),
    chance: (probability) => word() / 0x1_0000_0000 < probability,
    pick(values) {
      const value = values[random.below(values.length)]
      if (value === undefined) throw new RangeError('nothing to pick from')
      return value
    },
    bytes: (length) => Uint8Array.from({ length }, () => word() & 0xff),
    fork: (name) => createRandom(`${seed}/${name}`),
  }
  return random
}

/** 128 bits of a text (cyrb128): spreads, and is no secret. */
function hash(text: string): [number, number, number, number] {
  let [h1, h2, h3, h4] = [1_779_033_703, 3_144_134_277, 1_013_904_242, 2_773_480_762]
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    h1 = h2 ^ Math.imul(h1 ^ code, 597_399_067)
    h2 = h3 ^ Math.imul(h2 ^ code, 2_869_860_233)
    h3 = h4 ^ Math.imul(h3 ^ code, 951_274_213)
    h4 = h1 ^ Math.imul(h4 ^ code, 2_716_044_179)
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597_399_067)
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2_869_860_233)
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951_274_213)
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2_716_044_179)
  return [(h1 ^ h2 ^ h3 ^ h4) >>> 0, h2 >>> 0, h3 >>> 0, h4 >>> 0]
}
