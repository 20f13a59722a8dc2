import { z } from 'zod'
import { parseCompactLocalTime } from '../../src/domain/vietnam-time.ts'

/** `yyyyMMddHHmmss` in Viet Nam's time; empty or absent reads as null, anything that is no real time is an error. */
export const timeField = z
  .string()
  .optional()
  .transform((text, context) => {
    if (text === undefined || text === '') return null
    const time = parseCompactLocalTime(text)
    if (time !== null) return time
    context.addIssue({ code: 'custom', message: 'is no time' })
    return z.NEVER
  })
