/** Clerks at a one-stop counter: shifts, cash, and cash given back under four eyes. */
import type { Random } from '../engine/random.ts'
import type { Stage } from '../stage/stage.ts'

const clerks = ['officer1', 'officer2', 'officer3'] as const
type Row = Readonly<Record<string, unknown>>

/** A few things in a row at one drawer. */
export async function workAtCounter(stage: Stage, random: Random, number: number): Promise<void> {
  const clerk = random.pick(clerks)
  const call = async (method: string, path: string, name: string, body?: object) =>
    await stage.portal.call({
      method,
      path: `/v1/counter/${path}`,
      officer: clerk,
      ...(method === 'GET' ? {} : { key: `${name}-${number}` }),
      ...(body === undefined ? {} : { body }),
    })
  const shift = await call('GET', 'shifts/current', '')
  if (shift === null) return
  if (shift.status !== 200) {
    await call('POST', 'shifts', 'open-shift', { openingCash: 500_000, unitCode: 'H56.14' })
    if (random.chance(0.3)) return
  }
  for (let step = random.below(3); step >= 0; step--) await serveOne(stage, random, `${number}-${step}`, clerk)
  if (shift.status === 200 && random.chance(0.25)) {
    const expected = Number(shift.json.expectedCash)
    const isOff = random.chance(0.3)
    await call('POST', `shifts/${String(shift.json.id)}/close`, 'close-shift', {
      countedCash: isOff ? expected + 1_000 : expected,
      ...(isOff && random.chance(0.7) ? { note: 'Thừa tiền, chưa rõ lý do' } : {}),
    })
  }
}

async function serveOne({ portal }: Stage, random: Random, name: string, clerk: string): Promise<void> {
  const post = async (path: string, key: string, body: object, officer = clerk) =>
    await portal.call({ method: 'POST', path: `/v1/counter/${path}`, key: `${key}-${name}`, officer, body })
  const list = async (path: string, part: string): Promise<Row[]> => {
    const answer = await portal.call({ method: 'GET', path: `/v1/counter/${path}`, officer: clerk })
    const rows = answer?.json[part]
    return Array.isArray(rows) ? (rows as Row[]) : []
  }
  if (random.chance(0.6)) {
    if (portal.invoices.length === 0) return
    const invoice = random.pick(portal.invoices.slice(-8))
    await post('collections', 'collect', {
      invoiceId: invoice.id,
      ...(random.chance(0.5) ? { cashGiven: random.pick([invoice.total, invoice.total + 50_000, 500]) } : {}),
      despiteOpenAttempt: random.chance(0.6),
    })
    return
  }
  if (random.chance(0.5)) {
    const collections = (await list('collections?limit=20', 'collections')).filter(
      ({ status }) => status === 'COLLECTED',
    )
    if (collections.length > 0)
      await post(`collections/${String(random.pick(collections).id)}/corrections`, 'correct', { reason: 'Nhầm hồ sơ' })
    return
  }
  const corrections = await list('corrections?limit=20&status=REQUESTED', 'corrections')
  if (corrections.length === 0) return
  const id = String(random.pick(corrections).id)
  // Whoever asked may not approve: now and then that is tried.
  await post(`corrections/${id}/${random.chance(0.75) ? 'approve' : 'reject'}`, 'decide', {}, random.pick(clerks))
}
