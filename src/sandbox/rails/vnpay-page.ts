/** What a payer sees at VNPAY. */
import { facts, type Html, html, money } from '../page.ts'
import { wayForm } from '../ways.ts'
import type { VnpayTransaction } from './vnpay-order.ts'

/** What the payer, or an attacker, does on the pay page; in the order of its buttons. */
export const ways = {
  success: ['Thanh toán thành công', 'Pay'],
  fail: ['Không đủ số dư', 'Balance too low'],
  cancel: ['Khách huỷ', 'Payer cancels'],
  late: ['Thành công, báo muộn', 'Paid, notice late'],
  duplicate: ['Thành công, báo trùng', 'Paid, notice twice'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount'],
  tampered: ['Thông báo bị sửa', 'Forged notice'],
  held: ['Nghi gian lận, tạm giữ', 'Held for suspected fraud'],
  'pending-then-success': ['Chờ xử lý rồi thành công', 'Pending, then paid'],
} as const
export type VnpayWay = keyof typeof ways

export function payPage(transaction: VnpayTransaction, query: string): Html {
  return html`${facts([
    ['Mã đơn', 'Order', transaction.txnRef],
    ['Số tiền', 'Amount', money(transaction.amount)],
    ['Nội dung', 'For', transaction.orderInfo],
    ['Ngân hàng', 'Bank', transaction.bankCode],
  ])}${wayForm('/paymentv2/pay', { order: query }, ways)}`
}
