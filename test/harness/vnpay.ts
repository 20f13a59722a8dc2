/** VNPAY's side of a payment, written from rails.md §1.2 and not with the adapter's code. */
import { createHmac } from 'node:crypto'
import { anInvoice, callApi, type TestGateway, terminalOf } from './gateway.ts'

export type StartedPayment = {
  readonly railAccountId: string
  readonly invoiceId: string
  readonly paymentId: string
  readonly txnRef: string
  readonly total: number
}

export async function startVnpay(gateway: TestGateway, railAccountId = 'vnpay-h56-14'): Promise<StartedPayment> {
  const invoice = await gateway.api('POST', '/v1/invoices', anInvoice())
  if (invoice.status !== 201) throw new Error(invoice.text)
  const invoiceId = String(invoice.json.id)
  const payment = await gateway.api('POST', `/v1/invoices/${invoiceId}/payments`, {
    railAccountId,
    payerIp: '203.0.113.7',
  })
  if (payment.status !== 201) throw new Error(payment.text)
  return {
    railAccountId,
    invoiceId,
    paymentId: String(payment.json.id),
    txnRef: String(payment.json.merchantRef),
    total: Number(invoice.json.total),
  }
}

let transactions = 14_600_000

/** The query of a signed IPN that says the payment succeeded. */
export function vnpayIpn(
  secret: string,
  { txnRef, total, railAccountId = 'vnpay-h56-14' }: Pick<StartedPayment, 'txnRef' | 'total'> & Partial<StartedPayment>,
): string {
  const fields = {
    vnp_TmnCode: terminalOf(railAccountId),
    vnp_Amount: String(total * 100),
    vnp_BankCode: 'NCB',
    vnp_BankTranNo: 'VNP1',
    vnp_CardType: 'ATM',
    vnp_PayDate: '20261120120130',
    vnp_OrderInfo: 'le phi',
    vnp_TransactionNo: String(++transactions),
    vnp_ResponseCode: '00',
    vnp_TransactionStatus: '00',
    vnp_TxnRef: txnRef,
  }
  const query = new URLSearchParams(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))).toString()
  return `${query}&vnp_SecureHash=${createHmac('sha512', secret).update(query).digest('hex')}`
}

/** The code of the acknowledgement to a payment paid and told of under `secret`. */
export async function payByVnpay(
  gateway: TestGateway,
  secret: string,
  railAccountId = 'vnpay-h56-14',
): Promise<string> {
  const query = vnpayIpn(secret, await startVnpay(gateway, railAccountId))
  const answer = await callApi(gateway.url, 'GET', `/callbacks/vnpay/${railAccountId}?${query}`)
  return /"RspCode":"(\d\d)"/.exec(answer.text)?.[1] ?? `${answer.status} ${answer.text}`
}
