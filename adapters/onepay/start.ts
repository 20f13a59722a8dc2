/** The signed address of OnePay's pay page (rails.md §4.2). Nothing is called: the payer's browser carries the order. */
import { foldToLatin } from '../../src/domain/fold.ts'
import type { AdapterContext, Order, RailAccount, StartResult, Step } from '../contract.ts'
import { type OnepayConfig, profileOf } from './account.ts'
import { amountText } from './amount.ts'
import { signedQuery } from './signature.ts'

export const version = '2'
export const orderInfoMaxLength = 32

export function start(order: Order, account: RailAccount<OnepayConfig>, context: AdapterContext): Step<StartResult> {
  const { config } = account
  const { payUrl, sendCurrency } = profileOf(config)
  const fields = {
    AgainLink: order.returnUrl,
    Title: config.title,
    vpc_Version: version,
    vpc_Command: 'pay',
    vpc_Merchant: config.merchant,
    vpc_AccessCode: config.accessCode,
    vpc_MerchTxnRef: order.merchantRef,
    vpc_OrderInfo: foldToLatin(order.description, orderInfoMaxLength) || order.payCode,
    vpc_Amount: amountText(order.amount),
    vpc_Currency: sendCurrency ? 'VND' : '',
    vpc_Locale: order.locale === 'en' ? 'en' : 'vn',
    vpc_ReturnURL: order.returnUrl,
    vpc_TicketNo: ticketNo(order.payerIp, context.serverIp),
  }
  const url = `${payUrl}?${signedQuery(Object.entries(fields), config.hashKey)}`
  return { kind: 'done', result: { kind: 'redirect', url, sent: {} } }
}

/** The payer's address in 15 characters: IPv4 only. A payer on IPv6 is named by our address, or not at all. */
function ticketNo(payerIp: string, serverIp: string): string {
  const addresses = [payerIp.replace(/^::ffff:(?=\d+\.)/i, ''), serverIp]
  return addresses.find((address) => /^\d{1,3}(?:\.\d{1,3}){3}$/.test(address)) ?? ''
}
