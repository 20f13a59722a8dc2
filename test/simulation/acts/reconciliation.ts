/** Officers who reconcile: runs, breaks resolved by two, days closed. Who takes each step is left to chance, so that some are refused. */
import { breakClasses } from '../../../src/domain/reconciliation/breaks.ts'
import type { Random } from '../engine/random.ts'
import type { Stage } from '../stage/stage.ts'

const officers = ['officer1', 'officer2', 'officer3'] as const
const accounts = ['vnpay-sim', 'vietqr-sim', 'vietinbank-sim', 'napas-sim', 'momo-sim', 'counter-sim', 'bill-pull-sim']
const dayMs = 24 * 60 * 60_000
type Row = Readonly<Record<string, unknown>>

export async function reconcileNow({ portal }: Stage, random: Random, number: number): Promise<void> {
  await portal.call({
    method: 'POST',
    path: '/v1/finance/reconciliation/runs',
    key: `run-${number}`,
    officer: random.pick(officers),
  })
}

export async function workOnBreaks(stage: Stage, random: Random, number: number): Promise<void> {
  for (let step = random.below(4); step >= 0; step--) await workOnOne(stage, random, `${number}-${step}`)
}

async function workOnOne(stage: Stage, random: Random, name: string): Promise<void> {
  const { portal, world } = stage
  const officer = random.pick(officers)
  const post = async (path: string, key: string, body?: object): Promise<void> => {
    await portal.call({
      method: 'POST',
      path: `/v1/finance/breaks/${path}`,
      key: `${key}-${name}`,
      officer,
      ...(body === undefined ? {} : { body }),
    })
  }
  const list = await portal.call({ method: 'GET', path: '/v1/finance/breaks?status=OPEN&limit=50', officer })
  const breaks = rowsOf(list?.json.breaks)
  if (breaks.length === 0) return
  const { id } = random.pick(breaks)
  const detail = await portal.call({ method: 'GET', path: `/v1/finance/breaks/${String(id)}`, officer })
  if (detail?.status !== 200) return
  const pending = rowsOf(detail.json.resolutions).find(({ status }) => status === 'PROPOSED')
  if (pending !== undefined) {
    const step = random.pick(['approve', 'approve', 'approve', 'reject', 'withdraw'] as const)
    await post(
      `${String(id)}/resolutions/${String(pending.id)}/${step}`,
      step,
      step === 'approve' ? undefined : { text: 'Xem lại' },
    )
    return
  }
  const allowed = breakClasses.find(({ code }) => code === detail.json.class)?.actions ?? []
  if (allowed.length === 0) return
  const action = random.pick<string>(allowed)
  await post(`${String(id)}/resolutions`, 'propose', {
    action,
    reason: 'Đối chiếu với ngân hàng',
    ...(action === 'APPLY_TO_INVOICE' && portal.invoices.length > 0
      ? { invoiceId: random.pick(portal.invoices).id }
      : {}),
    ...(action === 'WAIT'
      ? { until: new Date(world.now + random.pick([1, 2, 5]) * dayMs).toISOString().slice(0, 10) }
      : {}),
    ...(action === 'PAIR' ? pairOf(random, breaks.length > 1 ? detail.json : {}) : {}),
  })
}

/** Alone, or with an item of its own that a hasty officer names once more. */
function pairOf(random: Random, { contents }: Row): object {
  const item = rowsOf(contents)[0]
  return typeof item?.settlementId === 'string' && random.chance(0.2) ? { settlementIds: [item.settlementId] } : {}
}

export async function closeDay({ portal, world }: Stage, random: Random, number: number): Promise<void> {
  const officer = random.pick(officers)
  const account = random.pick(accounts)
  const list = await portal.call({
    method: 'GET',
    path: `/v1/finance/reconciliation/days?railAccountId=${account}`,
    officer,
  })
  const proposed = rowsOf(list?.json.days).find(({ status }) => status === 'PROPOSED')
  const day = new Date(world.now + 7 * 60 * 60_000 - random.pick([0, 1, 1, 2]) * dayMs).toISOString().slice(0, 10)
  const path =
    proposed === undefined
      ? `accounts/${account}/days/${day}/close`
      : `days/${String(proposed.id)}/${random.chance(0.8) ? 'approve' : 'drop'}`
  const answer = await portal.call({
    method: 'POST',
    path: `/v1/finance/reconciliation/${path}`,
    key: `close-${number}`,
    officer,
    ...(proposed === undefined ? { body: random.chance(0.8) ? { reason: 'Chờ ngân hàng trả lời' } : {} } : {}),
  })
  if (answer?.json.status === 'PROPOSED' && random.chance(0.6))
    await portal.call({
      method: 'POST',
      path: `/v1/finance/reconciliation/days/${String(answer.json.id)}/approve`,
      key: `approve-day-${number}`,
      officer: random.pick(officers),
    })
}

function rowsOf(value: unknown): Row[] {
  return Array.isArray(value) ? (value as Row[]) : []
}
