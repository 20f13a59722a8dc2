/** The bank app a payer transfers with: scans a VietQR, or takes the order typed by hand. It lets the payer change amount and text: payers do. */
import { both, facts, type Html, html, money } from '../page.ts'
import { wayForm } from '../ways.ts'
import type { ScannedQr } from './vietqr-text.ts'

export const ways = {
  success: ['Chuyển tiền', 'Transfer'],
  fail: ['Ngân hàng từ chối chuyển', 'Transfer declined'],
  late: ['Chuyển, báo có muộn', 'Transfer, notice late'],
  duplicate: ['Chuyển, báo có trùng', 'Transfer, notice twice'],
  'wrong-amount': ['Chuyển thừa 1.000 ₫', 'Transfer 1,000 VND more'],
  'edited-text': ['Xoá nội dung chuyển khoản', 'Transfer without the text'],
  tampered: ['Báo có bị sửa', 'Forged notice'],
} as const
export type VietqrWay = keyof typeof ways

export const appTitle = ['Ứng dụng ngân hàng (giả lập)', 'Bank app (simulated)'] as const
export const refusalTitle = ['Không chuyển được', 'This transfer cannot be made'] as const

/** @param accounts collection accounts of the simulated banks, for who types by hand */
export function scanPage(accounts: readonly string[]): Html {
  return html`<form method="post" action="/app/scan"><label>${both('Nội dung mã QR', 'Text of the QR code')}
<textarea name="qr" rows="5" required></textarea></label><button class="main">${both('Quét mã', 'Scan')}</button></form>
<h2>${both('Hoặc nhập tay', 'Or type it')}</h2><form method="post" action="/app/type">
<label>${both('Tài khoản nhận', 'Account')} <input name="account" list="accounts" required value="${accounts[0] ?? ''}"></label>
<datalist id="accounts">${accounts.map((account) => html`<option value="${account}">`)}</datalist>
<label>${both('Số tiền (đồng)', 'Amount (VND)')} <input name="amount" inputmode="numeric" required></label>
<label>${both('Nội dung', 'Text')} <input name="content" maxlength="210"></label>
<button>${both('Tiếp tục', 'Go on')}</button></form>`
}

export function transferPage(order: Omit<ScannedQr, 'merchantName'>, accountName: string): Html {
  const fields = html`<label>${both('Số tiền (đồng)', 'Amount (VND)')} <input name="amount" inputmode="numeric" required value="${order.amount ?? ''}"></label>
<label>${both('Nội dung', 'Text')} <input name="content" maxlength="210" value="${order.purpose}"></label>`
  return html`${facts([
    ['Ngân hàng nhận', 'Bank', order.bankBin],
    ['Tài khoản', 'Account', order.accountNumber],
    ['Chủ tài khoản', 'Holder', accountName],
  ])}${wayForm('/app/transfer', { account: order.accountNumber }, ways, fields)}`
}

export type Transferred = {
  readonly reference: string
  readonly amount: bigint
  readonly content: string
  readonly meanings: readonly string[]
}

/** Null: no money moved. */
export function donePage(transferred: Transferred | null): Html {
  const back = html`<p><a href="/app">${both('Chuyển khoản khác', 'Another transfer')}</a></p>`
  if (transferred === null) return html`<p>${both('Không có tiền nào được chuyển.', 'No money was moved.')}</p>${back}`
  return html`${facts([
    ['Mã giao dịch', 'Reference', transferred.reference],
    ['Số tiền', 'Amount', money(transferred.amount)],
    ['Nội dung', 'Text', transferred.content],
    ['Phản hồi của cổng', 'Gateway answered', transferred.meanings.join(', ') || '—'],
  ])}${back}`
}
