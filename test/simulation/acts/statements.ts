/** The bank's statements and a rail's settlement files, some of them damaged, as they come to the officers' desk. */
import type { Random } from '../engine/random.ts'
import { type BankMoney, bankMoney, returnedMoney } from '../stage/money.ts'
import type { Stage } from '../stage/stage.ts'

const accountNumber = '113366668888'
const dayMs = 24 * 60 * 60_000
/** Account whose rail pays by files; the others' money stands in the statement one by one. */
export const filingAccount = 'vnpay-sim'

type Line = {
  readonly amount: bigint
  readonly mark: 'C' | 'D' | 'RC'
  readonly reference: string | null
  readonly text: string
}

/** What the bank's clerk has sent so far: each day once, unless something is wrong with it. */
export type Statements = {
  lastDay: string
  closing: bigint
  sent: number
  lastText: string
  lastFileId: string | null
  filedUntil: number
  /** What a rail's files say it will pay, and no statement shows yet. */
  batches: Line[]
}

export function noStatements(): Statements {
  return { lastDay: '2026-11-19', closing: 0n, sent: 0, lastText: '', lastFileId: null, filedUntil: 0, batches: [] }
}

function dayOf(at: Date): string {
  return new Date(at.getTime() + 7 * 60 * 60_000).toISOString().slice(0, 10)
}

/** The statement of all days that are over and have none. */
export async function sendStatement(stage: Stage, random: Random, number: number): Promise<void> {
  const { world, statements } = stage
  const until = dayOf(new Date(world.now - dayMs))
  if (until <= statements.lastDay) {
    // Nothing new: the same bytes again, or the day corrected.
    if (statements.lastText !== '') await sendLastAgain(stage, random, number)
    return
  }
  const isIn = (day: string): boolean => day > statements.lastDay && day <= until
  const honest: Line[] = bankMoney(stage)
    .filter(({ account, at }) => account !== filingAccount && isIn(dayOf(at)))
    .map(({ amount, key, text }) => ({ amount, mark: 'C', reference: referenceOf(key), text: plain(text) }))
  const lines = honest.flatMap((line) => damaged(stage, random, line))
  lines.push(...strangers(stage, random), ...statements.batches.filter(() => random.chance(0.8)))
  statements.batches = []
  const opening = random.chance(0.05) ? statements.closing + 777n : statements.closing
  statements.sent += 1
  const text = mt940(lines, until, statements.sent, opening)
  statements.lastDay = until
  statements.closing = opening + sumOf(lines)
  statements.lastText = text
  statements.lastFileId = await upload(stage, random, `${number}`, spoiled(random, text), `day-${number}.sta`)
  // Somebody abroad has paid into the account's dollar side.
  if (random.chance(0.15)) {
    const dollars = mt940(
      [{ amount: 12n, mark: 'C', reference: `US${number}`, text: 'FEE' }],
      until,
      9_000 + number,
      0n,
    )
    await upload(stage, random, `${number}-usd`, dollars.replaceAll('VND', 'USD'), `usd-${number}.sta`)
  }
}

/** A line as the bank shows it: mostly what came; now and then twice, not at all, with another amount, taken back, or nameless. */
function damaged({ lyingRails }: Stage, random: Random, line: Line): Line[] {
  if (random.chance(0.7)) return [line]
  switch (random.pick(['missing', 'twice', 'amount', 'nameless', 'textOnly', 'takenBack'] as const)) {
    case 'missing':
      return []
    case 'twice':
      return [line, line]
    case 'amount':
      lyingRails.add('statement')
      return [{ ...line, amount: line.amount + 1n }]
    case 'nameless':
      return [{ ...line, reference: null, text: 'CHUYEN TIEN' }]
    case 'textOnly':
      return [{ ...line, reference: `BK${line.reference ?? ''}`.slice(0, 16) }]
    case 'takenBack':
      return [line, { ...line, mark: 'RC' }]
  }
}

/** Movements that nobody told of: money for an invoice, for nothing we know, and what rails gave back. */
function strangers(stage: Stage, random: Random): Line[] {
  const { portal } = stage
  const lines: Line[] = returnedMoney(stage)
    .filter(({ returned }) => returned > 0n && random.chance(0.3))
    .map(({ returned, key }) => ({ amount: returned, mark: 'D', reference: referenceOf(key), text: 'HOAN TRA' }))
  if (random.chance(0.3) && portal.invoices.length > 0) {
    const { payCode, total } = random.pick(portal.invoices)
    lines.push({
      amount: BigInt(random.pick([total, total, 3_000])),
      mark: 'C',
      reference: `BK${random.below(1_000_000)}`,
      text: `NOP PHI ${payCode}`,
    })
  }
  if (random.chance(0.2))
    lines.push({ amount: 55_000n, mark: 'C', reference: `BK${random.below(1_000_000)}`, text: 'CHUC MUNG NAM MOI' })
  return lines
}

async function sendLastAgain(stage: Stage, random: Random, number: number): Promise<void> {
  const { statements } = stage
  if (random.chance(0.4)) {
    await upload(stage, random, `${number}`, statements.lastText, `again-${number}.sta`)
    return
  }
  // The bank corrects its day: one line less. Without an officer's word it is refused.
  const corrected = withoutFirstLine(statements.lastText)
  const supersedes = statements.lastFileId !== null && random.chance(0.7) ? statements.lastFileId : null
  const id = await upload(stage, random, `${number}`, corrected, `corrected-${number}.sta`, supersedes)
  if (supersedes !== null && id !== null) {
    statements.lastText = corrected
    statements.lastFileId = id
  }
}

function withoutFirstLine(text: string): string {
  const lines = text.split('\r\n')
  const first = lines.findIndex((line) => line.startsWith(':61:'))
  if (first === -1) return `${text}\r\n`
  const isTold = lines[first + 1]?.startsWith(':86:') === true
  const amount = /(C|D|RC)(\d+),NTRF/.exec(lines[first] ?? '')
  const taken = BigInt(amount?.[2] ?? '0') * (amount?.[1] === 'C' ? 1n : -1n)
  return [...lines.slice(0, first), ...lines.slice(first + (isTold ? 2 : 1))]
    .map((line) => (line.startsWith(':62F:') ? movedBy(line, -taken) : line))
    .join('\r\n')
}

function movedBy(balance: string, by: bigint): string {
  const parts = /^:62F:([CD])(\d{6})VND(\d+),$/.exec(balance)
  if (parts === null) return balance
  const [, side, day = '', amount = '0'] = parts
  const moved = (side === 'C' ? BigInt(amount) : -BigInt(amount)) + by
  return `:62F:${moved < 0n ? 'D' : 'C'}${day}VND${moved < 0n ? -moved : moved},`
}

/** A rail's file about its own payments since the last one: a row wrong now and then, the trailer too. */
export async function sendSettlementFile(stage: Stage, random: Random, number: number): Promise<void> {
  const { statements, world } = stage
  const money = bankMoney(stage).filter(
    ({ account, at }) => account === filingAccount && at.getTime() > statements.filedUntil && at.getTime() < world.now,
  )
  if (money.length === 0) return
  statements.filedUntil = world.now
  const rows = money.flatMap((payment) => rowsOf(random, payment, number))
  const sum = (of: 'gross' | 'net'): number => rows.reduce((total, row) => total + row[of], 0)
  const trailer = { rows: rows.length, gross: sum('gross') + (random.chance(0.05) ? 1 : 0), net: sum('net') }
  const text = `${[...rows, trailer].map((row) => JSON.stringify(row)).join('\n')}\n`
  const net = sum('net')
  if (net > 0)
    statements.batches.push({ amount: BigInt(net), mark: 'C', reference: `QT${number}`, text: 'VNPAY QUYET TOAN' })
  await upload(stage, random, `${number}`, text, `vnpay-${number}.jsonl`)
}

function rowsOf(random: Random, { key, reference, amount, at }: BankMoney, number: number) {
  const row = {
    railTransactionId: key,
    merchantRef: reference,
    gross: Number(amount),
    fee: 0,
    net: Number(amount),
    occurredAt: at.toISOString(),
    status: 'SUCCEEDED',
    batchId: `B${number}`,
    valueDate: dayOf(new Date(at.getTime() + dayMs)),
  }
  if (random.chance(0.8)) return [row]
  return random.pick([
    [],
    [{ ...row, status: 'FAILED' }],
    [{ ...row, status: 'REVERSED' }],
    [{ ...row, fee: 500, net: row.net - 500 }],
    [row, { ...row, status: 'REVERSED' }],
  ])
}

async function upload(
  { portal }: Stage,
  random: Random,
  key: string,
  text: string,
  name: string,
  supersedes: string | null = null,
): Promise<string | null> {
  const query = new URLSearchParams({ name, ...(supersedes === null ? {} : { supersedes }) })
  const answer = await portal.call({
    method: 'POST',
    path: `/v1/finance/statement-files?${query}`,
    key: `file-${key}`,
    officer: random.pick(['officer1', 'officer2', 'officer3']),
    file: text,
  })
  return answer?.status === 202 ? String(answer.json.id) : null
}

/** Cut off, or a digit of a balance changed: refused whole. */
function spoiled(random: Random, text: string): string {
  if (random.chance(0.92)) return text
  return random.chance(0.5)
    ? text.slice(0, Math.floor(text.length * 0.6))
    : text.replace(/(:62F:[CD]\d{6}VND)\d+/, '$112345')
}

function sumOf(lines: readonly Line[]): bigint {
  return lines.reduce((sum, { amount, mark }) => sum + (mark === 'C' ? amount : -amount), 0n)
}

function mt940(lines: readonly Line[], day: string, sent: number, opening: bigint): string {
  const short = day.slice(2).replaceAll('-', '')
  const balance = (amount: bigint): string => `${amount < 0n ? 'D' : 'C'}${short}VND${amount < 0n ? -amount : amount},`
  return [
    `:20:M${sent}`,
    `:25:${accountNumber}`,
    `:28C:${sent}/1`,
    `:60F:${balance(opening)}`,
    ...lines.flatMap(({ amount, mark, reference, text }) => [
      `:61:${short}${day.slice(5).replace('-', '')}${mark}${amount},NTRFNONREF${reference === null ? '' : `//${reference}`}`,
      ...(text === '' ? [] : [`:86:${text}`]),
    ]),
    `:62F:${balance(opening + sumOf(lines))}`,
    '',
  ].join('\r\n')
}

/** A statement's field takes sixteen characters. */
function referenceOf(key: string): string {
  return key.replaceAll(':', '').slice(-16)
}

function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9 ]/g, ' ').slice(0, 60)
}
