/** What a payer sees at OnePay. */
import { facts, type Html, html, money } from '../page.ts'
import { wayForm } from '../ways.ts'
import type { OnepayTransaction } from './onepay-api.ts'

/** Way → its button, and what OnePay answers in `vpc_TxnResponseCode`. */
export const ways = {
  success: ['Thanh toán thành công', 'Pay', '0'],
  fail: ['Không đủ số dư', 'Balance too low', '21'],
  cancel: ['Khách huỷ', 'Payer cancels', '99'],
  late: ['Thành công, báo muộn', 'Paid, notice late', '0'],
  duplicate: ['Thành công, báo trùng', 'Paid, notice twice', '0'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount', '0'],
  tampered: ['Thông báo bị sửa', 'Forged notice', ''],
  'pending-then-success': ['Chờ xử lý rồi thành công', 'Pending, then paid', '300'],
} as const
export type OnepayWay = keyof typeof ways

export function payPage(transaction: OnepayTransaction, query: string): Html {
  return html`${facts([
    ['Mã đơn', 'Order', transaction.merchTxnRef],
    ['Số tiền', 'Amount', money(transaction.amount)],
    ['Nội dung', 'For', transaction.orderInfo],
  ])}${wayForm('/paygate/pay', { order: query }, ways)}`
}
