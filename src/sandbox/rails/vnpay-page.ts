/** What a payer sees at VNPAY. */
import { both, dong, facts, html } from '../page.ts'
import { sendPage } from '../partner.ts'
import type { VnpayRefused, VnpayTransaction } from './vnpay-order.ts'

/** What the payer, or an attacker, does on the pay page; in the order of its buttons. */
const ways = {
  success: ['Thanh toán thành công', 'Pay'],
  fail: ['Không đủ số dư', 'Balance too low'],
  cancel: ['Khách huỷ', 'Payer cancels'],
  late: ['Thành công, báo muộn', 'Paid, notice late'],
  duplicate: ['Thành công, báo trùng', 'Paid, notice twice'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount'],
  tampered: ['Thông báo giả chữ ký', 'Forged notice'],
  held: ['Nghi gian lận, tạm giữ', 'Held for suspected fraud'],
  'pending-then-success': ['Chờ xử lý rồi thành công', 'Pending, then paid'],
} as const
export type VnpayWay = keyof typeof ways

export function isWay(text: string): text is VnpayWay {
  return Object.hasOwn(ways, text)
}

export function payPage(transaction: VnpayTransaction, query: string): ReturnType<typeof html> {
  return html`${facts([
    ['Mã đơn', 'Order', transaction.txnRef],
    ['Số tiền', 'Amount', dong(transaction.amount)],
    ['Nội dung', 'For', transaction.orderInfo],
    ['Ngân hàng', 'Bank', transaction.bankCode],
  ])}<form method="post" action="/paymentv2/pay"><input type="hidden" name="order" value="${query}">
${Object.entries(ways).map(
  ([way, [vi, en]]) =>
    html`<button name="way" value="${way}"${way === 'success' ? html` class="main"` : html``}>${both(vi, en)}</button>`,
)}</form>`
}

export function sendRefusal(
  reply: Parameters<typeof sendPage>[0],
  { code, message }: VnpayRefused,
): ReturnType<typeof sendPage> {
  return sendPage(
    reply,
    'VNPAY từ chối đơn này',
    'VNPAY refuses this order',
    facts([
      ['Mã lỗi', 'Code', code],
      ['Lý do', 'Reason', message],
    ]),
    400,
  )
}
