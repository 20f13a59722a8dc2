/** People who do what is expected of them, one step after another: what others began, or chance left lying, comes to its end here. */
import { breakClasses } from '../../../src/domain/reconciliation/breaks.ts'
import type { Random } from '../engine/random.ts'
import type { KnownInvoice } from '../stage/portal.ts'
import { railOf } from '../stage/rails.ts'
import { budgetBankId, otherBankId, type Stage } from '../stage/stage.ts'
import { issueCall, startCall, taxCall } from './portal.ts'
import { resultOf } from './refunds.ts'
import { reportPayment, reverse } from './tellers.ts'

type Row = Readonly<Record<string, unknown>>
const officers = ['officer1', 'officer2', 'officer3'] as const
const dayMs = 24 * 60 * 60_000
const payee = { accountNumber: '0011223344', accountName: 'NGUYEN VAN AN', bankBin: '970436' }

function rowsOf(value: unknown): Row[] {
  return Array.isArray(value) ? (value as Row[]) : []
}

function another(random: Random, than: unknown): string {
  return random.pick(officers.filter((name) => name !== than))
}

/** An invoice of this moment, or null when the gateway did not answer. */
async function issueNow(stage: Stage, call: Parameters<Stage['portal']['issue']>[0]): Promise<KnownInvoice | null> {
  await stage.portal.issue(call)
  return stage.portal.invoices.find(({ request }) => request === call) ?? null
}

/** By transfer, to the đồng. */
async function transfer({ banks }: Stage, { total, payCode }: KnownInvoice): Promise<void> {
  await banks.sandbox.vietqr.move({ transferType: 'in', amount: BigInt(total), content: `NOP PHI ${payCode}` })
}

const returning = ['vnpay', 'vnpay', 'onepay', 'momo', 'zalopay'] as const

/** On a rail that can give money back, without any trick. */
export async function payAsAsked(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal, banks } = stage
  const invoice = await issueNow(stage, issueCall(stage, random, number))
  if (invoice === null) return
  const rail = random.pick(returning)
  const call = startCall(stage, random, invoice, String(number))
  await portal.start(invoice, { ...call, body: { ...call.body, railAccountId: `${rail}-sim` } })
  const attempt = portal.attempts.findLast((known) => known.invoice === invoice)
  const url = attempt?.instruction.url
  if (typeof url === 'string' && railOf(attempt?.railAccountId ?? '') === rail)
    await banks.sandbox[rail].pay(url, 'success')
}

/** Two invoices of one payer, paid one by one, some of them only, or given up. */
export async function payBasket(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal } = stage
  const invoices: KnownInvoice[] = []
  for (let line = random.below(3); line >= 0; line--) {
    const invoice = await issueNow(stage, issueCall(stage, random, number * 10 + line + 1_000_000))
    if (invoice !== null) invoices.push(invoice)
  }
  if (invoices.length === 0) return
  const invoiceIds = invoices.map(({ id }) => id)
  await portal.call({ method: 'POST', path: '/v1/baskets', key: `basket-${number}`, body: { invoiceIds } })
  const isGivenUp = random.chance(0.2)
  for (const [line, invoice] of invoices.entries()) {
    if (random.chance(0.15)) return
    if (!isGivenUp) await transfer(stage, invoice)
    else
      await portal.call({
        method: 'POST',
        path: `/v1/invoices/${invoice.id}/cancel`,
        key: `give-up-${number}-${line}`,
        body: { reason: 'Công dân rút hồ sơ' },
      })
  }
}

/** Every refund that is open goes one step further, by somebody who may take it. */
export async function finishRefunds(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal } = stage
  const list = await portal.call({ method: 'GET', path: '/v1/finance/refunds?limit=50', officer: 'officer1' })
  const open = rowsOf(list?.json.refunds).filter(({ status }) => status !== 'DONE' && status !== 'REJECTED')
  for (const refund of open.slice(0, 6)) {
    const { id, status, version, origin, channel, requestedBy } = refund
    const step = async (name: string, officer: string, body: object): Promise<Row> => {
      const path = `/v1/finance/refunds/${String(id)}/${name}`
      const key = `${name}-${number}-${String(id).slice(-6)}`
      return (await portal.call({ method: 'POST', path, key, officer, body }))?.json ?? {}
    }
    const second = another(random, requestedBy)
    const prepare = (): Promise<Row> =>
      step('prepare', random.pick(officers), {
        reason: 'NOT_OWED',
        legalBasis: 'Tiền không thuộc khoản thu',
        channel: random.pick(['RAIL_REVERSAL', 'AGENCY_PAYOUT']),
        payee,
      })
    if (status === 'REQUESTED') {
      if (random.chance(0.1)) await step('reject', second, { why: 'Không đủ căn cứ' })
      else if (origin !== 'REQUEST' && channel === null) await prepare()
      else await step('approve', second, { version })
    } else if (status === 'FAILED') {
      if (random.chance(0.25)) await step('reject', second, { why: 'Không hoàn được' })
      else if (random.chance(0.4)) await prepare()
      else await step('approve', second, { version })
    } else if (status === 'APPROVED') {
      if (random.chance(0.2)) await step('reject', second, { why: 'Rút lại' })
      else if (channel === 'AGENCY_PAYOUT')
        await portal.call({
          method: 'POST',
          path: '/v1/finance/payout-orders',
          key: `payout-${number}-${String(id).slice(-6)}`,
          officer: second,
          body: { channel: 'AGENCY_PAYOUT', beneficiaryAccountId: 'bac_h56-14-colle' },
        })
    } else {
      const told = await step('report', 'officer1', {
        result: await resultOf(stage, random, refund),
        reference: `FT${number}`,
      })
      if (typeof told.version === 'number') await step('confirm', 'officer2', { version: told.version })
    }
  }
}

/** Every break that is open gets a proposal, and the proposal an answer by somebody else. */
export async function finishBreaks({ portal, world }: Stage, random: Random, number: number): Promise<void> {
  const today = new Date(world.now + 7 * 60 * 60_000)
  const status = random.chance(0.75) ? 'OPEN' : 'WAITING'
  const path = `/v1/finance/breaks?status=${status}&limit=50`
  const list = await portal.call({ method: 'GET', path, officer: 'officer1' })
  for (const { id, class: name } of rowsOf(list?.json.breaks).slice(0, 6)) {
    const allowed: readonly string[] = breakClasses.find(({ code }) => code === name)?.actions ?? []
    if (allowed.length === 0) continue
    const action = random.pick(allowed)
    const post = (path: string, officer: string, body?: object) =>
      portal.call({
        method: 'POST',
        path: `/v1/finance/breaks/${String(id)}/${path}`,
        key: `${path.split('/').at(-1)}-${number}-${String(id)}`,
        officer,
        ...(body === undefined ? {} : { body }),
      })
    await post('resolutions', 'officer1', {
      action,
      reason: 'Đã đối chiếu với ngân hàng',
      ...(action === 'APPLY_TO_INVOICE' ? { invoiceId: portal.invoices.at(-1)?.id } : {}),
      ...(action === 'WAIT'
        ? { until: new Date(today.getTime() + (1 + random.below(2)) * dayMs).toISOString().slice(0, 10) }
        : {}),
    })
    const detail = await portal.call({
      method: 'GET',
      path: `/v1/finance/breaks/${String(id)}`,
      officer: 'officer2',
    })
    const pending = rowsOf(detail?.json.resolutions).find((one) => one.status === 'PROPOSED')
    if (pending === undefined) continue
    const { proposedBy } = pending
    const answer = random.pick(['approve', 'approve', 'approve', 'approve', 'reject', 'withdraw'] as const)
    const officer = answer === 'withdraw' ? String(proposedBy) : another(random, proposedBy)
    await post(
      `resolutions/${String(pending.id)}/${answer}`,
      officer,
      answer === 'approve' ? undefined : { text: 'Xem lại' },
    )
  }
}

/** Yesterday is closed for every account, by two. */
export async function finishDays({ portal, world }: Stage, _random: Random, number: number): Promise<void> {
  const yesterday = new Date(world.now + 7 * 60 * 60_000 - dayMs).toISOString().slice(0, 10)
  for (const account of ['vnpay-sim', 'vietqr-sim', 'momo-sim']) {
    const closed = await portal.call({
      method: 'POST',
      path: `/v1/finance/reconciliation/accounts/${account}/days/${yesterday}/close`,
      key: `finish-${number}-${account}`,
      officer: 'officer1',
      body: { reason: 'Chờ ngân hàng trả lời' },
    })
    if (closed?.json.status !== 'PROPOSED') continue
    await portal.call({
      method: 'POST',
      path: `/v1/finance/reconciliation/days/${String(closed.json.id)}/approve`,
      key: `finish-approve-${number}-${account}`,
      officer: 'officer2',
    })
  }
}

/** Cash for one invoice, taken and given back under four eyes, and the shift handed over, now and then with a coin too many. */
export async function serveWithCash(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal } = stage
  const clerk = random.pick(officers)
  const post = async (path: string, body: object, officer: string = clerk) =>
    await portal.call({
      method: 'POST',
      path: `/v1/counter/${path}`,
      key: `serve-${path.split('/').at(-1)}-${number}`,
      officer,
      body,
    })
  await post('shifts', { openingCash: 500_000, unitCode: 'H56.14' })
  const invoice = await issueNow(stage, issueCall(stage, random, number))
  if (invoice === null) return
  const taken = await post('collections', { invoiceId: invoice.id, despiteOpenAttempt: true })
  if (taken?.status === 201 && random.chance(0.5)) {
    const asked = await post(`collections/${String(taken.json.id)}/corrections`, { reason: 'Nhầm hồ sơ' })
    if (typeof asked?.json.id === 'string')
      await post(
        `corrections/${asked.json.id}/${random.chance(0.6) ? 'approve' : 'reject'}`,
        {},
        another(random, clerk),
      )
  }
  if (random.chance(0.6)) return
  const shift = await portal.call({ method: 'GET', path: '/v1/counter/shifts/current', officer: clerk })
  if (shift?.status === 200)
    await post(`shifts/${String(shift.json.id)}/close`, {
      countedCash: Number(shift.json.expectedCash) + random.pick([0, 1_000, -1_000]),
      note: 'Chưa rõ lý do',
    })
}

/** The bank asks for the money of a tax back, which is not its to give. */
export async function takeTaxBack(stage: Stage, random: Random, number: number): Promise<void> {
  const invoice = await issueNow(stage, taxCall(stage, random, number))
  if (invoice === null) return
  const bill = { payCode: invoice.payCode, amount: BigInt(invoice.total) }
  const transactionId = await reportPayment(stage, budgetBankId, bill)
  if (transactionId !== null) await reverse(stage, budgetBankId, transactionId, undefined, `RV-${number}`)
}

/** The bank asks for a payment back that officers are giving back already. */
export async function takeBackWhatGoesBack(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal } = stage
  const invoice = await issueNow(stage, issueCall(stage, random, number))
  if (invoice === null) return
  const bill = { payCode: invoice.payCode, amount: BigInt(invoice.total) }
  const transactionId = await reportPayment(stage, otherBankId, bill)
  if (transactionId === null) return
  const asked = await portal.call({
    method: 'POST',
    path: '/v1/finance/refunds',
    key: `give-back-${number}`,
    officer: 'officer1',
    body: {
      invoiceId: invoice.id,
      reason: 'PAID_TWICE',
      otherPayment: 'FT123',
      legalBasis: 'Thông báo 12/TB',
      channel: 'AGENCY_PAYOUT',
      payee,
    },
  })
  if (typeof asked?.json.id === 'string')
    await portal.call({
      method: 'POST',
      path: `/v1/finance/refunds/${asked.json.id}/approve`,
      key: `give-back-approve-${number}`,
      officer: 'officer2',
      body: { version: asked.json.version },
    })
  await reverse(stage, otherBankId, transactionId, undefined, `RV-${number}`)
}
