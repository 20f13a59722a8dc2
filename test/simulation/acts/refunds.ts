/** Finance officers: they ask, decide, pay out and report, now and then what is not theirs to do. */
import type { Random } from '../engine/random.ts'
import { returnedMoney } from '../stage/money.ts'
import type { Stage } from '../stage/stage.ts'

const names = ['officer1', 'officer2', 'officer3'] as const

const payee = { accountNumber: '0011223344', accountName: 'NGUYEN VAN AN', bankBin: '970436' }

type Row = Readonly<Record<string, unknown>>

/** Mostly for an invoice that is paid: the whole or a line, by a reason that its fees may or may not allow. */
export async function askForRefund({ portal, dossiers }: Stage, random: Random, number: number): Promise<void> {
  const paid = dossiers.heard.flatMap(({ type, invoiceId }) => (type === 'invoice.paid' ? [invoiceId] : []))
  const ids = paid.length > 0 && random.chance(0.85) ? paid : portal.invoices.map(({ id }) => id)
  if (ids.length === 0) return
  const reason = random.pick(['NOT_GRANTED', 'NOT_GRANTED', 'PAID_TWICE', 'WITHDRAWN'])
  await portal.call({
    method: 'POST',
    path: '/v1/finance/refunds',
    key: `ask-${number}`,
    officer: random.pick(names),
    body: {
      invoiceId: random.pick(ids),
      reason,
      legalBasis: 'Thông báo 12/TB',
      ...(reason === 'PAID_TWICE' ? { otherPayment: 'FT123' } : {}),
      ...(random.chance(0.4) ? { items: [{ lineNo: 1, amount: random.pick([1_000, 3_000]) }] } : {}),
      ...(random.chance(0.7)
        ? { channel: random.pick(['RAIL_REVERSAL', 'RAIL_REVERSAL', 'AGENCY_PAYOUT']), payee }
        : {}),
    },
  })
}

/** Asked for twice in the same moment, by two officers, and both halves decided upon at once. */
export async function refundWhileRefunding(stage: Stage, random: Random, number: number): Promise<void> {
  const asked = random.fork('the same refund')
  await Promise.all([
    askForRefund(stage, asked, number),
    askForRefund(stage, random.fork('the same refund'), number + 100_000),
    workOnRefunds(stage, random, number),
  ])
}

/** A round at the desk: refunds go a few steps further. Now and then one officer tries both halves, and is refused. */
export async function workOnRefunds(stage: Stage, random: Random, number: number): Promise<void> {
  for (let step = random.below(5); step >= 0; step--) await workOnOne(stage, random, `${number}-${step}`)
}

/** What officers tell of a refund: of a rail's what they see in its own books, else what the bank is thought to have done. */
export async function resultOf(
  stage: Stage,
  random: Random,
  { id, channel }: Readonly<Record<string, unknown>>,
): Promise<'DONE' | 'FAILED'> {
  if (channel !== 'RAIL_REVERSAL') return random.pick(['DONE', 'FAILED'])
  const known = await booked(stage, String(id))
  const returned = returnedMoney(stage).find(({ key }) => key === known?.key)?.returned ?? 0n
  return known !== null && returned >= known.wanted ? 'DONE' : 'FAILED'
}

/** In its turn, like all that happens in the world: what is read beside it would come as soon as the machine likes. */
function booked({ world, outside, server }: Stage, id: string): Promise<{ key: string; wanted: bigint } | null> {
  return new Promise((resolve) => {
    world.io(outside, 'books', `what is booked about ${id}`, async () => {
      const [known] = await server.query<{ key: string; wanted: bigint }>(
        `SELECT s.rail_transaction_id AS key, sum(o.amount)::bigint AS wanted
           FROM refunds r JOIN settlements s ON s.id = r.settlement_id
           JOIN refunds o ON o.settlement_id = s.id AND o.channel = 'RAIL_REVERSAL' AND (o.status = 'DONE' OR o.id = r.id)
          WHERE r.id = $1 GROUP BY s.rail_transaction_id`,
        [id],
      )
      return () => resolve(known ?? null)
    })
  })
}

async function workOnOne(stage: Stage, random: Random, number: string): Promise<void> {
  const { portal } = stage
  const list = await portal.call({ method: 'GET', path: '/v1/finance/refunds?limit=50', officer: 'officer1' })
  const refunds = Array.isArray(list?.json.refunds) ? (list.json.refunds as Row[]) : []
  const open = refunds.filter(({ status }) => status !== 'DONE' && status !== 'REJECTED')
  if (open.length === 0) return
  const refund = random.pick(open)
  const { id, status, version, origin, channel, requestedBy } = refund
  const another = names.filter((name) => name !== requestedBy)
  const officer = random.pick(random.chance(0.8) ? another : names)
  const step = async (name: string, body: object): Promise<void> => {
    const path = `/v1/finance/refunds/${String(id)}/${name}`
    await portal.call({ method: 'POST', path, key: `${name}-${number}`, officer, body })
  }
  const prepare = (): Promise<void> =>
    step('prepare', {
      reason: 'NOT_OWED',
      legalBasis: 'Tiền không thuộc khoản thu',
      channel: random.pick(['RAIL_REVERSAL', 'AGENCY_PAYOUT']),
      payee,
    })
  switch (status) {
    case 'REQUESTED':
      if (random.chance(0.1)) await step('reject', { why: 'Không đủ căn cứ' })
      else if (origin !== 'REQUEST' && (channel === null || random.chance(0.3))) await prepare()
      else await step('approve', { version })
      return
    case 'FAILED':
      if (random.chance(0.3)) await step('reject', { why: 'Không hoàn được' })
      else if (random.chance(0.5)) await prepare()
      else await step('approve', { version })
      return
    case 'APPROVED':
      if (random.chance(0.3)) await step('reject', { why: 'Rút lại' })
      else
        await portal.call({
          method: 'POST',
          path: '/v1/finance/payout-orders',
          key: `payout-${number}`,
          officer,
          body: { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: 'bac_h56-14-colle' },
        })
      return
    case 'SENT':
    case 'UNKNOWN':
      if (random.chance(0.5)) await step('confirm', { version })
      else await step('report', { result: await resultOf(stage, random, refund), reference: `FT${number}` })
      return
  }
}
