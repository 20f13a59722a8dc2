/** Tellers of two banks that take money for a bill, and take it back: each bank asks, pays and reverses in its own protocol. */
import type { Random } from '../engine/random.ts'
import type { KnownInvoice } from '../stage/portal.ts'
import type { Stage } from '../stage/stage.ts'

const ways = ['success', 'success', 'success', 'duplicate', 'wrong-amount', 'late', 'tampered'] as const

export async function payAtCounterOfBank(stage: Stage, random: Random): Promise<void> {
  const { invoices } = stage.portal
  if (invoices.length === 0) return
  await takeMoney(stage, random, random.pick(invoices.slice(-8)), random.chance(0.5))
}

/** Both banks were told that the bill may be paid before either reported. */
export async function twoBanksAtOnce(stage: Stage, random: Random): Promise<void> {
  const { invoices } = stage.portal
  if (invoices.length === 0) return
  const invoice = random.pick(invoices.slice(-8))
  await Promise.all([takeMoney(stage, random, invoice, true), takeMoney(stage, random, invoice, false)])
}

async function takeMoney(
  stage: Stage,
  random: Random,
  { payCode, total }: KnownInvoice,
  first: boolean,
): Promise<void> {
  const { billPull } = stage.banks.sandbox
  if (first) {
    const finding = await billPull.inquire(`1GOV${payCode}`)
    if (finding.kind === 'payable') await billPull.pay(finding.bill, random.pick(ways))
    return
  }
  const answer = await stage.otherBank.inquire(payCode)
  const isPayable = typeof answer !== 'string' && answer.code === 'PAYABLE'
  // A teller takes money now and then for a bill that was payable this morning.
  if (!isPayable && !random.chance(0.2)) return
  const amount = BigInt(random.chance(0.85) ? total : random.pick([total + 1_000, 1_000]))
  await otherBankPays(stage, { payCode, amount }, { duplicate: random.chance(0.2), tampered: random.chance(0.05) })
}

async function otherBankPays(
  { otherBank, otherBankKnows }: Stage,
  bill: { payCode: string; amount: bigint },
  sending: { duplicate: boolean; tampered: boolean },
): Promise<void> {
  const before = otherBank.payments.length
  const answers = await otherBank.pay(bill, sending)
  const payment = otherBank.payments[before]
  if (
    payment !== undefined &&
    answers.some((answer) => typeof answer !== 'string' && answer.code.startsWith('RECORDED'))
  )
    otherBankKnows.add(payment.transactionId)
}

export async function reportAgain({ banks, otherBank, otherBankKnows }: Stage, random: Random): Promise<void> {
  const { billPull } = banks.sandbox
  if (random.chance(0.5) && billPull.credits.length > 0) {
    await billPull.sendCallback(random.pick(billPull.credits).transId)
    return
  }
  if (otherBank.payments.length === 0) return
  const { transactionId } = random.pick(otherBank.payments)
  const answers = await otherBank.repeat(transactionId)
  if (answers.some((answer) => typeof answer !== 'string' && answer.code.startsWith('RECORDED')))
    otherBankKnows.add(transactionId)
}

/** The teller typed another bill: a bank asks for its payment back, in its own time or much later, now and then twice. */
export async function takeBack(stage: Stage, random: Random, number: number): Promise<void> {
  const { billPull } = stage.banks.sandbox
  const { otherBank, takenBack } = stage
  if (random.chance(0.5) && billPull.credits.length > 0) {
    const { transId } = random.pick(billPull.credits.slice(-3))
    const code = await billPull.reverse(transId, 'teller typed another bill')
    if (code === '00') takenBack.add(`bill-pull-sim 9480:${transId}`)
    return
  }
  const payment = otherBank.payments.length === 0 ? undefined : random.pick(otherBank.payments.slice(-3))
  const transactionId = payment?.transactionId ?? `FT${number}`
  const reversal = { reversalId: `RV-${number}`, ...(random.chance(0.1) ? { amount: 5_000n } : {}) }
  for (let times = random.chance(0.3) ? 2 : 1; times > 0; times--) {
    const answer = await otherBank.reverse(transactionId, reversal)
    if (typeof answer !== 'string' && answer.code === 'REVERSED') takenBack.add(`bill-pull-other ${transactionId}`)
  }
}

/** Paid and taken back within the minute, before the dossier system hears of it. */
export async function payAndTakeBack(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal, otherBank, takenBack, dossiers } = stage
  if (portal.invoices.length === 0) return
  const { payCode, total } = random.pick(portal.invoices.slice(-4))
  dossiers.mode = 'away'
  const before = otherBank.payments.length
  const amount = BigInt(random.pick([total, total, 1_000]))
  await otherBankPays(stage, { payCode, amount }, { duplicate: false, tampered: false })
  const payment = otherBank.payments[before]
  if (payment === undefined) return
  const answer = await otherBank.reverse(payment.transactionId, { reversalId: `RV-${number}` })
  if (typeof answer !== 'string' && answer.code === 'REVERSED')
    takenBack.add(`bill-pull-other ${payment.transactionId}`)
}
