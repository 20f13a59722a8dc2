/** What the banks hold for paid and what they gave back: the truth that the books are held against. */
import type { Stage } from './stage.ts'

export type BankMoney = {
  readonly account: string
  readonly reference: string
  /** The rail's transaction id, as it is on record. */
  readonly key: string
  readonly amount: bigint
  readonly at: Date
  /** What a statement says beside the amount. */
  readonly text: string
  /** The rail has an inquiry, so nothing need be lost with a notice. */
  readonly canBeAsked: boolean
  /** The bank may believe that we know. */
  readonly acknowledged: boolean
}

type Told = {
  readonly about: string
  readonly label: string
  readonly acknowledgements: readonly { readonly ends: boolean; readonly asExpected: boolean }[]
}

function isAcknowledged(callbacks: readonly Told[], about: string): boolean {
  return callbacks.some(
    (callback) =>
      callback.about === about && callback.acknowledgements.some(({ ends, asExpected }) => ends && asExpected),
  )
}

/** Orders that were paid with another amount than ordered are told of as what they are, and refused: a person looks into them. */
export function bankMoney(stage: Stage): BankMoney[] {
  const { vnpay, onepay, napas, momo, zalopay, vietqr, vietinbank, billPull } = stage.banks.sandbox
  const { tmnCode } = vnpay.accountConfig()
  const { merchant } = onepay.accountConfig()
  const codePayments = new Map([...vietinbank.payments.values()].map((payment) => [payment.bankTransactionId, payment]))
  return [
    ...[...vnpay.transactions.values()]
      .filter(
        ({ status, responseCode, amount, paidAmount }) =>
          status === '00' && responseCode === '00' && amount === paidAmount,
      )
      .map(({ txnRef, transactionNo, paidAmount, paidAt }) => ({
        account: 'vnpay-sim',
        reference: txnRef,
        key: `${tmnCode}:${transactionNo}`,
        amount: paidAmount,
        at: paidAt ?? new Date(0),
        text: txnRef,
        // Orders of nobody (acts/payers.ts) are none of ours to ask about.
        canBeAsked: !txnRef.startsWith('NOBODY'),
        acknowledged: isAcknowledged(vnpay.callbacks, txnRef),
      })),
    ...[...onepay.transactions.values()]
      .filter(({ code, amount, paidAmount }) => code === '0' && amount === paidAmount)
      .map(({ merchTxnRef, transactionNo, paidAmount }) => ({
        account: 'onepay-sim',
        reference: merchTxnRef,
        key: `${merchant}:${transactionNo}`,
        amount: paidAmount,
        at: new Date(Number(transactionNo)),
        text: merchTxnRef,
        canBeAsked: true,
        acknowledged: isAcknowledged(onepay.callbacks, merchTxnRef),
      })),
    ...[...napas.transactions.values()]
      .filter(({ state, amount, paidAmount }) => state === 'paid' && amount === paidAmount)
      .map(({ id, paidAmount, at }) => ({
        account: 'napas-sim',
        reference: id,
        key: `${id}:1`,
        amount: paidAmount,
        at,
        text: id,
        canBeAsked: true,
        acknowledged: isAcknowledged(napas.callbacks, id),
      })),
    ...[...momo.transactions.values()]
      .filter(({ resultCode, amount, paidAmount }) => resultCode === 0 && amount === paidAmount)
      .map(({ orderId, transId, paidAmount, at }) => ({
        account: 'momo-sim',
        reference: orderId,
        key: String(transId),
        amount: paidAmount,
        at,
        text: orderId,
        canBeAsked: true,
        acknowledged: isAcknowledged(momo.callbacks, orderId),
      })),
    ...[...zalopay.transactions.values()]
      .filter(({ state, amount, paidAmount }) => state === 'paid' && amount === paidAmount)
      .map(({ appTransId, zpTransId, paidAmount, at }) => ({
        account: 'zalopay-sim',
        reference: appTransId,
        key: String(zpTransId),
        amount: paidAmount,
        at,
        text: appTransId,
        canBeAsked: true,
        acknowledged: isAcknowledged(zalopay.callbacks, appTransId),
      })),
    ...vietqr.transactions
      .filter(({ direction }) => direction === 'in')
      .map(({ id, amount, at, content }) => ({
        account: 'vietqr-sim',
        reference: String(id),
        key: String(id),
        amount,
        at,
        text: content,
        canBeAsked: false,
        acknowledged: isAcknowledged(vietqr.callbacks, String(id)),
      })),
    ...vietinbank.credits.flatMap(({ transId, bankTransId, amount, at, remark }) => {
      const payment = codePayments.get(bankTransId)
      if (payment !== undefined && payment.amount !== amount) return []
      return {
        account: 'vietinbank-sim',
        reference: payment?.requestId ?? transId,
        // The credit of a payment with code is the money its confirmation told of: one key for both.
        key: payment === undefined ? `9111:${transId}` : payment.requestId,
        amount,
        at,
        text: remark,
        canBeAsked: payment !== undefined,
        acknowledged: isAcknowledged(vietinbank.callbacks, transId),
      }
    }),
    ...billPull.credits.map(({ transId, amount, at, remark }) => ({
      account: 'bill-pull-sim',
      reference: transId,
      key: `9480:${transId}`,
      amount,
      at,
      text: remark,
      canBeAsked: false,
      acknowledged: isAcknowledged(
        billPull.callbacks.filter(({ label }) => label !== 'reverse-bill'),
        transId,
      ),
    })),
    ...[...stage.pullBanks].flatMap(([account, { payments }]) =>
      payments.map(({ transactionId, payCode, amount }) => ({
        account,
        reference: transactionId,
        key: transactionId,
        amount,
        at: new Date(Number(transactionId.slice(2))),
        text: `THU HO ${payCode}`,
        canBeAsked: false,
        acknowledged: stage.pullBanksKnow.has(`${account} ${transactionId}`),
      })),
    ),
  ]
}

export type Returned = { readonly key: string; readonly paid: bigint; readonly returned: bigint }

/** Of every payment: what its rail has given back, as far as that is over. */
export function returnedMoney({ banks }: Stage): Returned[] {
  const { vnpay, onepay, napas, momo, zalopay } = banks.sandbox
  const { tmnCode } = vnpay.accountConfig()
  const { merchant } = onepay.accountConfig()
  const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n)
  return [
    ...[...vnpay.transactions.values()].map(({ transactionNo, paidAmount, refunds }) => ({
      key: `${tmnCode}:${transactionNo}`,
      paid: paidAmount,
      returned: sum(refunds.flatMap(({ amount, status }) => (status === '00' ? [amount] : []))),
    })),
    ...[...onepay.transactions.values()].map(({ transactionNo, merchTxnRef, paidAmount }) => ({
      key: `${merchant}:${transactionNo}`,
      paid: paidAmount,
      returned: sum(
        [...onepay.refunds.values()].flatMap(({ orgMerchTxnRef, amount, code }) =>
          orgMerchTxnRef === merchTxnRef && code === '0' ? [amount] : [],
        ),
      ),
    })),
    ...[...napas.transactions.values()].map(({ id, paidAmount, refunds }) => ({
      key: `${id}:1`,
      paid: paidAmount,
      returned: sum(refunds.map(({ amount }) => amount)),
    })),
    ...[...momo.transactions.values()].map(({ transId, paidAmount, refunds }) => ({
      key: String(transId),
      paid: paidAmount,
      returned: sum(refunds.map(({ amount }) => amount)),
    })),
    ...[...zalopay.transactions.values()].map(({ zpTransId, paidAmount, refunds }) => ({
      key: String(zpTransId),
      paid: paidAmount,
      returned: sum(refunds.flatMap(({ amount, state }) => (state === 'done' ? [amount] : []))),
    })),
  ]
}
