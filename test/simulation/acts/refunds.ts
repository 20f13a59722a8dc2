/** Finance officers: they ask, decide, pay out and report, now and then what is not theirs to do. */
import type { Random } from '../engine/random.ts'
import type { Stage } from '../stage/stage.ts'

const names = ['officer1', 'officer2', 'officer3'] as const

const payee = { accountNumber: '0011223344', accountName: 'NGUYEN VAN AN', bankBin: '970436' }

/** For a paid invoice: the whole or a line, by a reason that its fees may or may not allow. */
export async function askForRefund({ portal }: Stage, random: Random, number: number): Promise<void> {
  if (portal.invoices.length === 0) return
  const { id } = random.pick(portal.invoices)
  const reason = random.pick(['NOT_GRANTED', 'NOT_GRANTED', 'PAID_TWICE', 'WITHDRAWN'])
  await portal.call({
    method: 'POST',
    path: '/v1/finance/refunds',
    key: `ask-${number}`,
    officer: random.pick(names),
    body: {
      invoiceId: id,
      reason,
      legalBasis: 'Thông báo 12/TB',
      ...(reason === 'PAID_TWICE' ? { otherPayment: 'FT123' } : {}),
      ...(random.chance(0.4) ? { items: [{ lineNo: 1, amount: random.pick([1_000, 3_000]) }] } : {}),
      ...(random.chance(0.5) ? { channel: random.pick(['RAIL_REVERSAL', 'AGENCY_PAYOUT']), payee } : {}),
    },
  })
}

/** A round at the desk: refunds go a few steps further. Who takes each step is left to chance, so that some are refused for doing both halves. */
export async function workOnRefunds(stage: Stage, random: Random, number: number): Promise<void> {
  for (let step = random.below(5); step >= 0; step--) await workOnOne(stage, random, `${number}-${step}`)
}

async function workOnOne({ portal }: Stage, random: Random, number: string): Promise<void> {
  const officer = random.pick(names)
  const list = await portal.call({ method: 'GET', path: '/v1/finance/refunds?limit=50', officer })
  const refunds = Array.isArray(list?.json.refunds) ? (list.json.refunds as Record<string, unknown>[]) : []
  const open = refunds.filter(({ status }) => status !== 'DONE' && status !== 'REJECTED')
  if (open.length === 0) return
  const { id, status, version, origin, channel } = random.pick(open)
  const step = async (name: string, body: object): Promise<void> => {
    const path = `/v1/finance/refunds/${String(id)}/${name}`
    await portal.call({ method: 'POST', path, key: `${name}-${number}`, officer, body })
  }
  switch (status) {
    case 'REQUESTED':
      if (random.chance(0.1)) await step('reject', { why: 'Không đủ căn cứ' })
      else if (origin !== 'REQUEST' && (channel === null || random.chance(0.3)))
        await step('prepare', {
          reason: 'NOT_OWED',
          legalBasis: 'Tiền không thuộc khoản thu',
          channel: random.pick(['RAIL_REVERSAL', 'AGENCY_PAYOUT']),
          payee,
        })
      else await step('approve', { version })
      return
    case 'FAILED':
      await step('approve', { version })
      return
    case 'APPROVED':
      await portal.call({
        method: 'POST',
        path: '/v1/finance/payout-orders',
        key: `payout-${number}`,
        officer,
        body: { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: 'bac_h56-14-colle' },
      })
      return
    case 'SENT':
      if (random.chance(0.5)) await step('confirm', { version })
      else await step('report', { result: random.pick(['DONE', 'DONE', 'FAILED']), reference: `FT${number}` })
      return
    case 'UNKNOWN':
      await step('report', { result: 'DONE', reference: `FT${number}` })
      return
  }
}
