/** Everything that ends by itself: certificates, keys that came with one, revocation lists. Who must be warned, and when. */
import type { X509Certificate } from 'node:crypto'
import { subjectOf } from '../signing/certificate-rule.ts'
import { isDemoCertificate } from '../signing/certificates.ts'

export type EndingKind = 'certificate' | 'key' | 'list'

export type Ending = {
  readonly kind: EndingKind
  /** Where it is kept and what it says of itself. */
  readonly name: string
  /** Null for what has no end of its own. */
  readonly endsAt: Date | null
  /** Production refuses to start with it. */
  readonly isDemo: boolean
}

/** Days before the end at which people are warned. Lists are renewed by machines every few days: only a late one is news. */
export const warningDays: Readonly<Record<EndingKind, readonly number[]>> = {
  certificate: [60, 30, 7],
  key: [60, 30, 7],
  list: [1],
}

export type Stage = 'quiet' | 'ended' | `${number} days`

/** Of an ending with `endsAt`: the narrowest warning it is in. */
export function stageOf({ kind, endsAt }: Pick<Ending, 'kind' | 'endsAt'>, at: Date): Stage {
  if (endsAt === null) return 'quiet'
  if (endsAt <= at) return 'ended'
  const daysLeft = (endsAt.getTime() - at.getTime()) / dayMs
  const stage = warningDays[kind].filter((days) => daysLeft <= days).sort((a, b) => a - b)[0]
  return stage === undefined ? 'quiet' : `${stage} days`
}

export const dayMs = 24 * 60 * 60 * 1000

/** True when the end is so near, or past, that somebody must act today. */
export function isUrgent(stage: Stage): boolean {
  return stage === 'ended' || stage === '7 days' || stage === '1 days'
}

export function endingOfCertificate(place: string, certificate: X509Certificate): Ending {
  return {
    kind: 'certificate',
    name: `${place}: ${subjectOf(certificate)}`,
    endsAt: certificate.validToDate,
    isDemo: isDemoCertificate(certificate),
  }
}
