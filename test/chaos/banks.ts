/** The banks as a process of their own: the sandbox's partners, paid at by messages, and what they hold for true at the end. */

import type { Callback } from '../../src/sandbox/notifier.ts'
import { startSandbox } from '../../src/sandbox/start.ts'
import type { BankMoney, BankQuestion, BankRail, BankWay } from './bank-process.ts'

/** Banks go on calling until they are heard. */
const retryDelaysMs = [300, 600, 1_000, ...Array.from({ length: 2_000 }, () => 2_000)]
/** Never within a run: such money is found by asking only. */
const neverMs = 24 * 60 * 60 * 1000

const sandbox = await startSandbox({ retryDelaysMs, lateMs: neverMs, pendingMs: 1_000 })
const partners = { vnpay: sandbox.vnpay, onepay: sandbox.onepay, momo: sandbox.momo, vietqr: sandbox.vietqr } as const
const tell = (message: object): void => {
  process.send?.(message)
}

async function pay(rail: BankRail, order: string, way: BankWay): Promise<void> {
  switch (rail) {
    case 'vnpay':
      await sandbox.vnpay.pay(order, way)
      return
    case 'onepay':
      await sandbox.onepay.pay(order, way)
      return
    case 'momo':
      await sandbox.momo.pay(order, way)
      return
    case 'vietqr':
      await sandbox.vietqr.pay(order, way === 'cancel' || way === 'pending-then-success' ? 'fail' : way)
      return
  }
}

function money(): BankMoney[] {
  const { vnpay, onepay, momo, vietqr } = partners
  const told = (callbacks: readonly Callback[]): Map<string, boolean> => {
    const byReference = new Map<string, boolean>()
    for (const { about, acknowledgements } of callbacks)
      byReference.set(
        about,
        byReference.get(about) === true || acknowledgements.some(({ ends, asExpected }) => ends && asExpected),
      )
    return byReference
  }
  const row = (
    rail: BankRail,
    callbacks: Map<string, boolean>,
    reference: string,
    key: string,
    amount: bigint,
  ): BankMoney => ({
    ...{ rail, reference, key, amount: Number(amount), acknowledged: callbacks.get(reference) === true },
  })
  const heard = {
    vnpay: told(vnpay.callbacks),
    onepay: told(onepay.callbacks),
    momo: told(momo.callbacks),
    vietqr: told(vietqr.callbacks),
  }
  return [
    ...[...vnpay.transactions.values()]
      .filter(({ status, responseCode }) => status === '00' && responseCode === '00')
      .map(({ txnRef, transactionNo, paidAmount }) => row('vnpay', heard.vnpay, txnRef, transactionNo, paidAmount)),
    ...[...onepay.transactions.values()]
      .filter(({ code }) => code === '0')
      .map(({ merchTxnRef, transactionNo, paidAmount }) =>
        row('onepay', heard.onepay, merchTxnRef, transactionNo, paidAmount),
      ),
    ...[...momo.transactions.values()]
      .filter(({ resultCode }) => resultCode === 0)
      .map(({ orderId, transId, paidAmount }) => row('momo', heard.momo, orderId, String(transId), paidAmount)),
    ...vietqr.transactions
      .filter(({ direction }) => direction === 'in')
      .map(({ id, amount }) => row('vietqr', heard.vietqr, String(id), String(id), amount)),
  ]
}

async function answer(question: BankQuestion): Promise<unknown> {
  switch (question.kind) {
    case 'pay':
      await pay(question.rail, question.order, question.way)
      return null
    case 'call back to':
      for (const [rail, partner] of Object.entries(partners))
        partner.callbackUrl = `${question.url}/callbacks/${rail}/${rail}-chaos`
      return null
    case 'accounts':
      return Object.fromEntries(
        Object.entries(partners).map(([rail, partner]) => [
          rail,
          { baseUrl: partner.baseUrl, config: partner.accountConfig() },
        ]),
      )
    case 'call again':
      await Promise.all(Object.values(partners).map(({ notifier }) => notifier.retryNow()))
      return Object.values(partners).flatMap(({ callbacks }) =>
        callbacks
          .filter(({ state }) => state === 'waiting' || state === 'sending' || state === 'held back')
          .map(({ about, state, acknowledgements }) => `${about} ${state}: ${acknowledgements.at(-1)?.meaning ?? ''}`),
      )
    case 'money':
      return money()
  }
}

process.on('message', (message: { number: number; question: BankQuestion }) => {
  const { number, question } = message
  answer(question).then(
    (value) => tell({ number, value }),
    (error: unknown) => tell({ number, error: error instanceof Error ? error.message : String(error) }),
  )
})
process.once('disconnect', () => process.exit(0))
tell({ number: 0, value: null })
