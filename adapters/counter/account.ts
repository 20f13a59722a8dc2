import { z } from 'zod'

/** One collecting account for which counters take cash. */
export const accountSchema = z.strictObject({
  /** Most cash for one invoice, whole VND. */
  cashMaximum: z.int().min(1).max(999_999_999_999_999),
})

export type CounterConfig = z.infer<typeof accountSchema>
