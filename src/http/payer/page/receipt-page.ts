import { amountInEnglish } from '../../../domain/amount-in-words.ts'
import type { ReceiptDocument } from '../../../domain/receipt-document.ts'
import { businessDate, readableLocalTime } from '../../../domain/vietnam-time.ts'
import { dong } from './format.ts'
import { type Html, html } from './html.ts'
import { type Language, textsIn } from './texts.ts'

export type ReceiptPage = {
  readonly token: string
  readonly document: ReceiptDocument
  readonly keyId: string
  readonly status: string
  readonly providerUrl: string | null
  /** Receipts that adjust or replace this one. */
  readonly successors: readonly {
    readonly id: string
    readonly symbol: string
    readonly number: number
    readonly relation: string
  }[]
}

/** The receipt is Vietnamese by law; English readers get both. */
const labels = {
  taxCode: ['Mã số thuế', 'Tax code'],
  address: ['Địa chỉ', 'Address'],
  template: ['Mẫu số', 'Template'],
  symbol: ['Ký hiệu', 'Symbol'],
  number: ['Số', 'No.'],
  agent: ['Tổ chức lập biên lai theo ủy nhiệm', 'Issued on behalf of the collector by'],
  payer: ['Người nộp tiền', 'Payer'],
  dossier: ['Mã hồ sơ', 'Dossier'],
  procedure: ['Thủ tục', 'Procedure'],
  fee: ['Tên loại phí, lệ phí', 'Fee'],
  amount: ['Số tiền', 'Amount'],
  total: ['Tổng số tiền', 'Total'],
  words: ['Số tiền bằng chữ', 'In words'],
  paidAt: ['Thời điểm thanh toán', 'Paid at'],
  related: ['Biên lai liên quan', 'Related receipt'],
  reason: ['Lý do', 'Reason'],
  signed: ['Đã ký số', 'Digitally signed'],
  key: ['Khoá', 'Key'],
  download: ['Tải bản ký số', 'Download the signed receipt'],
  provider: ['Xem tại nhà cung cấp biên lai', 'See it at the receipt provider'],
  adjusted: ['Biên lai này đã được điều chỉnh bởi', 'This receipt was adjusted by'],
  replaced: ['Biên lai này đã được thay thế bởi', 'This receipt was replaced by'],
  print: ['Để in, chọn In trong trình duyệt (khổ A5).', 'To print, choose Print in the browser (A5).'],
  back: ['Quay lại khoản thu', 'Back to the payment'],
} as const satisfies Record<string, readonly [string, string]>
type Label = keyof typeof labels

const titlesInEnglish: Readonly<Record<string, string>> = { PHI: 'Receipt of a fee', LE_PHI: 'Receipt of a charge' }

export function receiptPage(page: ReceiptPage, language: Language): string {
  const { document, token } = page
  const path = `/pay/${token}/receipts/${document.receiptId}`
  const other: Language = language === 'vi' ? 'en' : 'vi'
  const say = (label: Label): string =>
    language === 'vi' ? labels[label][0] : `${labels[label][0]} / ${labels[label][1]}`
  return html`<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${document.title} ${document.symbol} ${document.number}</title>
<link rel="stylesheet" href="/pay/assets/style.css">
<link rel="stylesheet" href="/pay/assets/receipt.css">
<link rel="icon" href="data:,">
</head>
<body>
<header class="screen"><p class="brand">FeeGate</p><a class="language" lang="${other}" hreflang="${other}" href="${path}?lang=${other}">${textsIn(language).otherLanguage}</a></header>
<main>
${page.successors.map((next) => successor(next, token, language, say))}
<article class="receipt">
${head(document, say)}
<h1>${document.title}${language === 'en' ? html`<small lang="en">${titlesInEnglish[document.kind] ?? ''}</small>` : null}</h1>
<p class="date">${longDate(document.issuedOn)}</p>
<dl>
<dt>${say('payer')}</dt><dd>${document.payer.name ?? '—'}</dd>
<dt>${say('dossier')}</dt><dd><span class="code">${document.dossierCode}</span></dd>
<dt>${say('procedure')}</dt><dd>${document.procedureName}</dd>
</dl>
<table>
<thead><tr><th scope="col">${say('fee')}</th><th scope="col" class="money">${say('amount')}</th></tr></thead>
<tbody>${document.items.map((item) => html`<tr><td>${item.name}</td><td class="money">${signedDong(item.amount)}</td></tr>`)}</tbody>
<tfoot><tr><th scope="row">${say('total')}</th><td class="money">${signedDong(document.total)}</td></tr></tfoot>
</table>
<dl>
<dt>${say('words')}</dt><dd>${document.totalInWords}${language === 'en' ? html`<br><span lang="en">${wordsInEnglish(document.total)}</span>` : null}</dd>
<dt>${say('paidAt')}</dt><dd>${localMinute(document.payment.paidAt)}</dd>
${document.related === null ? null : html`<dt>${say('related')}</dt><dd>${document.related.template} ${document.related.symbol} ${labels.number[0].toLowerCase()} ${document.related.number}, ${shortDate(document.related.issuedOn)}</dd>`}
${document.reason === null ? null : html`<dt>${say('reason')}</dt><dd>${document.reason}</dd>`}
</dl>
<footer>
<p class="seal"><strong>${say('signed')}</strong><span>${document.agent?.name ?? document.collector.name}</span><span>${localMinute(document.issuedAt)}</span></p>
<p class="key">${say('key')}: <span class="code">${page.keyId}</span></p>
</footer>
</article>
<nav class="screen">
<p>${say('print')}</p>
<p><a class="button plain" href="${path}/signed">${say('download')}</a></p>
${page.providerUrl === null ? null : html`<p><a class="button plain" rel="noreferrer" href="${page.providerUrl}">${say('provider')}</a></p>`}
<p><a class="button plain" href="/pay/${token}?lang=${language}">${say('back')}</a></p>
</nav>
</main>
</body>
</html>
`.text
}

function head(document: ReceiptDocument, say: (label: Label) => string): Html {
  const { collector, agent } = document
  return html`<div class="head">
<div class="collector"><strong>${collector.name}</strong>
<span>${say('taxCode')}: ${collector.taxCode}</span>
${collector.address === '' ? null : html`<span>${say('address')}: ${collector.address}</span>`}
${agent === null ? null : html`<span>${say('agent')}: ${agent.name}, ${agent.address}</span>`}</div>
<div class="numbers"><span>${say('template')}: <b class="code">${document.template}</b></span>
<span>${say('symbol')}: <b class="code">${document.symbol}</b></span>
<span>${say('number')}: <b class="code number">${document.number}</b></span></div>
</div>`
}

function successor(
  next: ReceiptPage['successors'][number],
  token: string,
  language: Language,
  say: (label: Label) => string,
): Html {
  return html`<section class="status warn" role="status"><p>${say(next.relation === 'REPLACES' ? 'replaced' : 'adjusted')} <a href="/pay/${token}/receipts/${next.id}?lang=${language}">${next.symbol} ${labels.number[0].toLowerCase()} ${next.number}</a></p></section>`
}

/** `Ngày 20 tháng 11 năm 2026`. */
function longDate(day: string): string {
  const [year, month, date] = day.split('-')
  return `Ngày ${date} tháng ${month} năm ${year}`
}

function shortDate(day: string): string {
  return day.split('-').reverse().join('/')
}

/** `12:00 20/11/2026`, in Vietnam. */
function localMinute(instant: string): string {
  const at = new Date(instant)
  return `${readableLocalTime(at).slice(11, 16)} ${shortDate(businessDate(at))}`
}

function signedDong(amount: number): string {
  return amount < 0 ? `−${dong(BigInt(-amount))}` : dong(BigInt(amount))
}

function wordsInEnglish(amount: number): string {
  return amount < 0 ? `Less: ${amountInEnglish(BigInt(-amount))}` : amountInEnglish(BigInt(amount))
}
