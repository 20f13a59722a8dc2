/** The rounds that run by themselves. Every one is safe to run on all replicas at once and to be killed at any moment. */
import { buryOverdue } from '../delivery/dispatch.ts'
import { sealDue } from '../journal/seal.ts'
import type { Partners } from '../partner/partners.ts'
import { sendDueResults } from '../partner/results.ts'
import { eraseEvidence } from '../personal/evidence.ts'
import type { FieldCipher } from '../personal/field-cipher.ts'
import { eraseDue } from '../personal/keep.ts'
import { type ResealOptions, sealPlainParties } from '../personal/reseal.ts'
import { adjustDue } from '../receipt/adjustments.ts'
import { issueDue } from '../receipt/issue.ts'
import { askProviders, type ExternalOptions } from '../receipt/issue-external.ts'
import { watchLateness } from '../receipt/lateness.ts'
import { summariseDue } from '../receipt/summary.ts'
import { cleanUp } from './clean-up.ts'
import { createEndingWatcher, type EndingSource } from './endings.ts'
import { expireDue } from './expiry.ts'
import { type InquiryWatcherOptions, inquireDue } from './inquiry.ts'
import { sweepParity } from './parity.ts'
import { watchRefunds } from './refunds.ts'
import { exportDue, type TransactionExportOptions } from './transaction-export.ts'

export type Watchers = { close(): Promise<void> }

/** Keys are published ten minutes before they sign, so this is early enough on every replica. */
const reloadEveryMs = 30_000

/** Seals what earlier versions wrote plain, erases what has had its time. */
async function keepPersonalData(options: ResealOptions): Promise<number> {
  return (await sealPlainParties(options)) + (await eraseDue(options)) + (await eraseEvidence(options))
}

type Watcher = { readonly name: string; readonly everyMs: number; readonly round: () => Promise<number> }

/** A round that found work is followed by the next at once, so a backlog is worked off; else by a pause. */
export function startWatchers(
  options: InquiryWatcherOptions &
    ExternalOptions &
    TransactionExportOptions & {
      readonly partners: Partners
      readonly cipher: FieldCipher
      /** What is kept in files and read again, by its name: an operator may have rotated keys or renewed certificates. */
      readonly reloads: Readonly<Record<string, () => void>>
      /** Certificates, keys and lists that people are warned about. */
      readonly endings: readonly EndingSource[]
    },
): Watchers {
  const { environment, log } = options
  const stop = new AbortController()
  const warnOfEndings = createEndingWatcher(options)
  const watchers: readonly Watcher[] = [
    { name: 'inquiry', everyMs: 2_000, round: () => inquireDue(options) },
    { name: 'refunds', everyMs: 2_000, round: () => watchRefunds(options) },
    { name: 'expiry', everyMs: 5_000, round: () => expireDue(options) },
    { name: 'partner results', everyMs: 2_000, round: () => sendDueResults(options) },
    { name: 'receipts', everyMs: 1_000, round: () => issueDue(options) },
    { name: 'receipt adjustments', everyMs: 5_000, round: () => adjustDue(options) },
    { name: 'receipts of providers', everyMs: 5_000, round: () => askProviders(options) },
    {
      name: 'late receipts',
      everyMs: 60_000,
      round: async () => {
        await watchLateness(options)
        return 0
      },
    },
    { name: 'receipt summaries', everyMs: 60_000, round: () => summariseDue(options) },
    { name: 'transaction export', everyMs: 5 * 60_000, round: () => exportDue(options) },
    { name: 'journal', everyMs: 2_000, round: () => sealDue(options) },
    {
      name: 'personal data',
      everyMs: 10 * 60_000,
      round: () => keepPersonalData(options),
    },
    { name: 'overdue deliveries', everyMs: 60_000, round: () => buryOverdue(options) },
    { name: 'parity', everyMs: 15_000, round: () => sweepParity(options) },
    ...Object.entries(options.reloads).map(([name, reload]) => ({
      name,
      everyMs: reloadEveryMs,
      round: () => {
        reload()
        return Promise.resolve(0)
      },
    })),
    {
      name: 'endings',
      everyMs: 60 * 60_000,
      // What was warned about is no work to go on with at once.
      round: async () => {
        await warnOfEndings()
        return 0
      },
    },
    { name: 'clean-up', everyMs: 10 * 60_000, round: () => cleanUp(options) },
  ]
  const running = watchers.map(async ({ name, everyMs, round }) => {
    while (!stop.signal.aborted) {
      let found = 0
      try {
        found = await round()
      } catch (error) {
        log.warn({ err: error, watcher: name }, 'watcher round failed; it is tried again')
      }
      if (found === 0) await environment.sleep(everyMs, stop.signal)
    }
  })
  return {
    async close() {
      stop.abort()
      await Promise.all(running)
    },
  }
}
