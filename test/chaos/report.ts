/** The report: a row for each fault and one for each promise. */
import type { Fault } from './faults.ts'
import type { Load } from './load.ts'
import type { Answered } from './verdict.ts'

/** One time that a fault was done. */
export type Done = {
  readonly fault: Fault
  readonly replicas: number
  readonly from: number
  /** When it was undone. */
  until: number
  /** When an ordinary payment went through again; null: never. */
  recoveredAt: number | null
}

export type Run = {
  readonly done: readonly Done[]
  /** Why a fault could not be tried here. */
  readonly impossible: ReadonlyMap<Fault, string>
  readonly answers: readonly Answered[]
  readonly load: Load
}

export function hasHeld({ done, answers }: Run): boolean {
  return answers.every(({ findings }) => findings.length === 0) && done.every(({ recoveredAt }) => recoveredAt !== null)
}

export function reportOf(run: Run, all: readonly Fault[]): string {
  const broken = brokenPayments(run)
  const rows = all.map((fault) => {
    const times = run.done.filter((one) => one.fault === fault)
    const reason = run.impossible.get(fault)
    if (times.length === 0)
      return [
        fault.name,
        '0',
        '–',
        '–',
        fault.promise,
        reason === undefined ? 'not reached' : `not possible here: ${reason}`,
      ]
    const hurtMs = times.reduce((sum, { from, until }) => sum + until - from, 0)
    const slowest = Math.max(
      ...times.map(({ until, recoveredAt }) => (recoveredAt ?? Number.POSITIVE_INFINITY) - until),
    )
    const wrong = times.flatMap((one) =>
      [...broken].filter(([, { begun, ended }]) => begun <= (one.recoveredAt ?? one.until) && ended >= one.from),
    ).length
    const never = times.filter(({ recoveredAt }) => recoveredAt === null).length
    return [
      fault.name,
      String(times.length),
      (hurtMs / 1000).toFixed(1),
      Number.isFinite(slowest) ? `${(slowest / 1000).toFixed(1)} s` : 'never',
      fault.promise,
      wrong === 0 && never === 0 ? 'held' : `BROKEN (${wrong} payments, ${never} without recovery)`,
    ]
  })
  const promises = run.answers.map(({ promise, checked, findings }) => [
    promise,
    String(checked),
    findings.length === 0 ? 'held' : `BROKEN (${findings.length})`,
  ])
  return [
    table(['fault', 'times', 'seconds', 'next payment at the latest after', 'promise', 'result'], rows),
    '',
    table(['promise at the end', 'checked', 'result'], promises),
  ].join('\n')
}

export function findingsOf({ answers, done }: Run): string[] {
  return [
    ...answers.flatMap(({ promise, findings }) => findings.map(({ what }) => `${promise}: ${what}`)),
    ...done
      .filter(({ recoveredAt }) => recoveredAt === null)
      .map(({ fault }) => `no payment went through after: ${fault.name}`),
  ]
}

/** Payments that something is wrong with, and when they were under way. */
function brokenPayments({ answers, load }: Run): Map<number, { begun: number; ended: number }> {
  const numbers = new Set(
    answers.flatMap(({ findings }) => findings.flatMap(({ payment }) => (payment === null ? [] : [payment]))),
  )
  return new Map(
    load.records
      .filter(({ planned }) => numbers.has(planned.number))
      .map(({ planned, begunAt, endedAt }) => [
        planned.number,
        { begun: begunAt, ended: endedAt ?? Number.POSITIVE_INFINITY },
      ]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, index) => Math.max(name.length, ...rows.map((row) => row[index]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}
