/** Tellers of two banks that take money for a bill, and take it back: each bank asks, pays and reverses in its own protocol. */
import type { GenericAnswer } from '../../../src/sandbox/rails/bill-pull-generic.ts'
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
  const [account, bank] = random.pick([...stage.pullBanks])
  const answer = await bank.inquire(payCode)
  const isPayable = typeof answer !== 'string' && answer.code === 'PAYABLE'
  // A teller takes money now and then for a bill that was payable this morning.
  if (!isPayable && !random.chance(0.2)) return
  const amount = BigInt(random.chance(0.85) ? total : random.pick([total + 1_000, 1_000]))
  const sending = { duplicate: random.chance(0.2), tampered: random.chance(0.05) }
  await reportPayment(stage, account, { payCode, amount }, sending)
}

/** Its transaction id; null when nobody's money was taken. */
export async function reportPayment(
  { pullBanks, pullBanksKnow }: Stage,
  account: string,
  bill: { payCode: string; amount: bigint },
  sending: { duplicate: boolean; tampered: boolean } = { duplicate: false, tampered: false },
): Promise<string | null> {
  const bank = pullBanks.get(account)
  const before = bank?.payments.length ?? 0
  const answers = (await bank?.pay(bill, sending)) ?? []
  const payment = bank?.payments[before]
  if (payment === undefined || sending.tampered) return null
  if (answers.some(isRecorded)) pullBanksKnow.add(`${account} ${payment.transactionId}`)
  return payment.transactionId
}

function isRecorded(answer: GenericAnswer | string): boolean {
  return typeof answer !== 'string' && answer.code.startsWith('RECORDED')
}

export async function reportAgain({ banks, pullBanks, pullBanksKnow }: Stage, random: Random): Promise<void> {
  const { billPull } = banks.sandbox
  if (random.chance(0.4) && billPull.credits.length > 0) {
    await billPull.sendCallback(random.pick(billPull.credits).transId)
    return
  }
  const [account, bank] = random.pick([...pullBanks])
  if (bank.payments.length === 0) return
  const { transactionId } = random.pick(bank.payments)
  if ((await bank.repeat(transactionId)).some(isRecorded)) pullBanksKnow.add(`${account} ${transactionId}`)
}

/** The teller typed another bill: a bank asks for its payment back, in its own time or much later, now and then twice. */
export async function takeBack(stage: Stage, random: Random, number: number): Promise<void> {
  const { billPull } = stage.banks.sandbox
  if (random.chance(0.3) && billPull.credits.length > 0) {
    const { transId } = random.pick(billPull.credits.slice(-3))
    const code = await billPull.reverse(transId, 'teller typed another bill')
    if (code === '00') stage.takenBack.add(`bill-pull-sim 9480:${transId}`)
    return
  }
  const [account, bank] = random.pick([...stage.pullBanks])
  const payment = bank.payments.length === 0 ? undefined : random.pick(bank.payments.slice(-3))
  const transactionId = payment?.transactionId ?? `FT${number}`
  await reverse(stage, account, transactionId, random.chance(0.1) ? 5_000n : undefined, `RV-${number}`)
  if (random.chance(0.3))
    await reverse(stage, account, transactionId, undefined, random.pick([`RV-${number}`, `RW-${number}`]))
}

export async function reverse(
  { pullBanks, takenBack }: Stage,
  account: string,
  transactionId: string,
  amount: bigint | undefined,
  reversalId: string,
): Promise<void> {
  const answer = await pullBanks
    .get(account)
    ?.reverse(transactionId, { reversalId, ...(amount === undefined ? {} : { amount }) })
  if (typeof answer === 'object' && answer.code === 'REVERSED') takenBack.add(`${account} ${transactionId}`)
}

/** Paid and taken back within the minute, before the dossier system hears of it. */
export async function payAndTakeBack(stage: Stage, random: Random, number: number): Promise<void> {
  const { portal, dossiers } = stage
  if (portal.invoices.length === 0) return
  const { payCode, total } = random.pick(portal.invoices.slice(-4))
  dossiers.mode = 'away'
  const [account] = random.pick([...stage.pullBanks])
  const amount = BigInt(random.pick([total, total, 1_000]))
  const transactionId = await reportPayment(stage, account, { payCode, amount })
  if (transactionId !== null) await reverse(stage, account, transactionId, undefined, `RV-${number}`)
}
