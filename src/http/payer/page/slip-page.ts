import { renderSVG } from 'uqr'
import type { Collection } from '../../../counter/collection.ts'
import { amountInVietnamese } from '../../../domain/amount-in-words.ts'
import { dong, localMinute } from './format.ts'
import { type Html, html, trustedMarkup } from './html.ts'

/**
 * What the payer takes home from a counter: for a roll of 80 mm, and as wide as a phone. Vietnamese, with English in small beneath.
 * It proves that cash was taken; the receipt that the law asks for is another paper.
 */
export function slipPage(slip: Collection, payUrl: string): string {
  const title = html`Phiếu thu tiền mặt <span lang="en">Cash slip</span>`
  return html`<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Phiếu thu ${slip.dossierCode}</title>
<link rel="stylesheet" href="/pay/assets/slip.css">
<link rel="icon" href="data:,">
</head>
<body>
<main>
<header><p class="agency">${slip.collectingAgencyName}</p><h1>${title}</h1></header>
${slip.status === 'COLLECTED' ? null : voidBanner(slip)}
<dl>
${line('Số phiếu', 'No.', html`${String(slip.slipNo).padStart(4, '0')}`)}
${line('Thời điểm', 'Time', html`${localMinute(slip.collectedAt)}`)}
${line('Mã hồ sơ', 'Dossier', html`<span class="code">${slip.dossierCode}</span>`)}
${line('Thủ tục', 'Procedure', html`${slip.procedureName}`)}
${slip.payerName === null ? null : line('Người nộp', 'Payer', html`${slip.payerName}`)}
${line('Mã thanh toán', 'Pay code', html`<span class="code">${slip.payCode}</span>`)}
</dl>
<table>
<caption>Các khoản đã nộp <span lang="en">Paid</span></caption>
<tbody>${slip.items.map(
    (item) =>
      html`<tr><th scope="row">${item.nameVi}${item.quantity > 1 ? html` × ${item.quantity}` : null}</th><td>${dong(item.net)}</td></tr>`,
  )}</tbody>
<tfoot>
<tr class="total"><th scope="row">Tổng cộng <span lang="en">Total</span></th><td>${dong(slip.amount)}</td></tr>
<tr><th scope="row">Tiền nhận <span lang="en">Cash</span></th><td>${dong(slip.cashGiven)}</td></tr>
<tr><th scope="row">Trả lại <span lang="en">Change</span></th><td>${dong(slip.changeGiven)}</td></tr>
</tfoot>
</table>
<p class="words">Bằng chữ: ${amountInVietnamese(slip.amount)}</p>
<dl>
${line('Nơi thu', 'Counter', html`${slip.unitName}`)}
${line('Người thu', 'Clerk', html`${slip.operatorName}`)}
${line('Mã giao dịch', 'Transaction', html`<span class="code">${slip.id}</span>`)}
</dl>
<figure>
<div role="img" aria-label="Mã QR dẫn đến trang trạng thái thanh toán">${trustedMarkup(renderSVG(payUrl, { ecc: 'M', border: 2 }))}</div>
<figcaption>Quét để xem trạng thái và biên lai <span lang="en">Scan for status and receipt</span></figcaption>
</figure>
<p class="note">Phiếu này không thay biên lai. Biên lai điện tử do cơ quan thu phát hành.
<span lang="en">This slip is no receipt. The agency issues an electronic receipt.</span></p>
</main>
</body>
</html>
`.text
}

function voidBanner(slip: Collection): Html {
  return slip.correctedAt === null
    ? html`<p class="void" role="status">Đang đề nghị hủy <span lang="en">Cancellation asked for</span></p>`
    : html`<p class="void" role="status">Đã hủy, tiền đã trả lại lúc ${localMinute(slip.correctedAt)} <span lang="en">Void, the cash was given back</span></p>`
}

function line(vi: string, en: string, value: Html): Html {
  return html`<div><dt>${vi} <span lang="en">${en}</span></dt><dd>${value}</dd></div>`
}
