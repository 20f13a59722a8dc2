/** NAPAS's card form, as a page of its own, and its way back: the browser posts `napasResult` to the merchant's result page. */
import { both, facts, type Html, html, money } from '../page.ts'
import { wayForm } from '../ways.ts'
import type { NapasOrder } from './napas-api.ts'
import type { Envelope } from './napas-wire.ts'

/** Way → its button, and the gateway code it ends with. */
export const ways = {
  success: ['Thanh toán', 'Pay', 'APPROVED'],
  fail: ['Không đủ số dư', 'Balance too low', 'INSUFFICIENT_FUNDS'],
  cancel: ['Khách huỷ', 'Payer cancels', 'CANCELLED'],
  late: ['Thành công, báo muộn', 'Paid, notice late', 'APPROVED'],
  duplicate: ['Thành công, báo trùng', 'Paid, notice twice', 'APPROVED'],
  'wrong-amount': ['Ghi nhận sai số tiền', 'Paid another amount', 'APPROVED'],
  tampered: ['Thông báo bị sửa', 'Forged notice', 'APPROVED'],
  'pending-then-success': ['Chờ xử lý rồi thành công', 'Pending, then paid', 'PENDING'],
} as const
export type NapasWay = keyof typeof ways

export function cardPage(order: NapasOrder): Html {
  // Without a name a field is not sent.
  const card = html`<label>${both('Số thẻ', 'Card number')} <input inputmode="numeric" autocomplete="off" value="9704 1500 0000 0018"></label>
<p class="en">${both('Số thẻ không rời khỏi trang này.', 'The card number never leaves this page.')}</p>`
  return html`${facts([
    ['Mã đơn', 'Order', order.id],
    ['Số tiền', 'Amount', money(order.amount)],
    ['Nội dung', 'For', order.reference],
  ])}${wayForm('/hostedform/pay', { orderId: order.id, dataKey: order.dataKey }, ways, card)}`
}

/** Without scripts the payer presses a button; NAPAS's own script posts by itself. */
export function backPage(returnUrl: string, envelope: Envelope): Html {
  return html`<form method="post" action="${returnUrl}"><input type="hidden" name="napasResult" value="${JSON.stringify(envelope)}">
<button class="main">${both('Về trang nộp phí', 'Back to the fee page')}</button></form>`
}
