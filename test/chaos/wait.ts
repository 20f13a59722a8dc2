export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Looks again and again, with a long limit: nothing here measures time by failing. Errors of the look count as "not yet". */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  { limitMs = 180_000, everyMs = 100 } = {},
): Promise<void> {
  const start = Date.now()
  let last: unknown = null
  for (;;) {
    try {
      if (await isSo()) return
    } catch (error) {
      last = error
    }
    if (Date.now() - start > limitMs)
      throw new Error(`in vain waited ${limitMs / 1000} s for: ${what}`, { cause: last })
    await pause(everyMs)
  }
}
