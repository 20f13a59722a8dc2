import { dong, dongInText, localMinute } from './format.ts'
import { type Html, html } from './html.ts'
import { layout, type Page } from './layout.ts'
import { type PageReceipt, receiptLinks } from './receipt-links.ts'
import { type Language, type Texts, textsIn } from './texts.ts'
import { payAgain, refreshOf, type WaysToPay, waysToPay } from './ways-to-pay.ts'

export type PageItem = {
  readonly name: string
  readonly quantity: number
  readonly net: bigint
  readonly reduction: bigint
  readonly basis: string
}

export type InvoicePage = WaysToPay & {
  readonly token: string
  /** An invoice status, or `TAKEN_BACK`: paid, and the money was given back. */
  readonly status: string
  readonly agencyName: string
  readonly dossierCode: string
  readonly procedureName: string
  readonly payerName: string | null
  readonly payCode: string
  readonly items: readonly PageItem[]
  readonly total: bigint
  readonly expiresAt: Date
  readonly paid: { readonly at: Date; readonly railTransactionId: string; readonly late: boolean } | null
  /** Came and was too little: not paid by it. */
  readonly underpaid: bigint | null
  /** An attempt at a rail that the payer may have finished: its answer is awaited. */
  readonly attemptUnderWay: boolean
  readonly attemptFailed: boolean
  readonly receipts: readonly PageReceipt[]
  readonly returnUrl: string | null
}

/** The page a payer opens: what is owed, to whom, by what law, and how to pay it; after payment, the proof. */
export function invoicePage(page: InvoicePage, language: Language): Page {
  const texts = textsIn(language)
  const open = page.status === 'ISSUED' || page.status === 'PAYING'
  return layout(
    {
      language,
      title: `${texts.title} ${page.dossierCode}`,
      path: `/pay/${page.token}`,
      refresh: open ? refreshOf(page, page.attemptUnderWay) : null,
    },
    html`<h1>${texts.title}</h1>
${statusSection(page, texts)}
${receiptLinks(page.token, page.receipts, language)}
${summary(page, texts)}
${feesSection(page, texts.fees, texts)}
${open ? (page.attemptUnderWay ? payAgain : waysToPay)(page, { action: `/pay/${page.token}/start`, fields: {} }, texts, language) : null}
${page.returnUrl === null ? null : html`<p><a class="button plain" href="${page.returnUrl}">${texts.backToPortal}</a></p>`}`,
  )
}

function statusSection(page: InvoicePage, texts: Texts): Html | null {
  const box = (tone: string, title: string, hint: Html | null): Html =>
    html`<section class="status ${tone}" role="status"><h2>${title}</h2>${hint}</section>`
  const line = (text: string): Html => html`<p>${text}</p>`
  switch (page.status) {
    case 'PAID':
      return box(
        'good',
        texts.statusPaid,
        html`${line(texts.statusPaidHint)}${page.paid === null ? null : paidDetails(page.paid, texts)}`,
      )
    case 'TAKEN_BACK':
      return box('warn', texts.statusTakenBack, line(texts.statusTakenBackHint))
    case 'PARTIALLY_REFUNDED':
      return box('good', texts.statusPartlyRefunded, null)
    case 'REFUNDED':
      return box('good', texts.statusRefunded, null)
    case 'WAIVED':
      return box('good', texts.statusWaived, null)
    case 'EXPIRED':
      return box('warn', texts.statusExpired, line(texts.statusExpiredHint))
    case 'CANCELLED':
      return box('warn', texts.statusCancelled, line(texts.statusCancelledHint))
    case 'SUPERSEDED':
      return box('warn', texts.statusSuperseded, line(texts.statusSupersededHint))
    default:
      return openStatus(page, texts)
  }
}

/** What a payer of an open invoice must know before paying; null when there is nothing. */
export function openStatus(
  page: Pick<InvoicePage, 'attemptUnderWay' | 'attemptFailed' | 'underpaid' | 'total'>,
  texts: Texts,
): Html | null {
  const underpaid =
    page.underpaid === null
      ? null
      : html`<section class="status warn" role="status"><h2>${texts.underpaid(dongInText(page.underpaid))}</h2><p>${texts.underpaidHint(dongInText(page.total))}</p></section>`
  if (page.attemptUnderWay)
    return html`<section class="status" role="status"><h2>${texts.waiting}</h2><p>${texts.waitingHint}</p></section>${underpaid}`
  if (underpaid !== null) return underpaid
  return page.attemptFailed
    ? html`<section class="status warn" role="status"><h2>${texts.attemptFailed}</h2><p>${texts.attemptFailedHint}</p></section>`
    : null
}

function paidDetails(paid: NonNullable<InvoicePage['paid']>, texts: Texts): Html {
  return html`<dl><dt>${texts.paidAt}</dt><dd>${localMinute(paid.at)}</dd><dt>${texts.transaction}</dt><dd class="code">${paid.railTransactionId}</dd></dl>${paid.late ? html`<p>${texts.late}</p>` : null}`
}

export function summary(page: InvoicePage, texts: Texts): Html {
  return html`<section>
<dl>
<dt>${texts.agency}</dt><dd>${page.agencyName}</dd>
<dt>${texts.dossier}</dt><dd class="code">${page.dossierCode}</dd>
<dt>${texts.procedure}</dt><dd>${page.procedureName}</dd>
${page.payerName === null ? null : html`<dt>${texts.payer}</dt><dd>${page.payerName}</dd>`}
<dt>${texts.payCode}</dt><dd class="code">${page.payCode}</dd>
<dt>${texts.payBefore}</dt><dd>${localMinute(page.expiresAt)}</dd>
</dl>
</section>`
}

export function feesSection(page: Pick<InvoicePage, 'items' | 'total'>, title: string, texts: Texts): Html {
  return html`<section>
<h2>${title}</h2>
<ul class="items">${page.items.map((item) => itemLine(item, texts))}</ul>
<p class="total"><span>${texts.total}</span><span class="money">${dong(page.total)}</span></p>
</section>`
}

function itemLine(item: PageItem, texts: Texts): Html {
  const parts = [
    item.quantity > 1 ? `${texts.quantity}: ${item.quantity}` : '',
    item.basis === '' ? '' : `${texts.basis}: ${item.basis}`,
    item.reduction > 0n ? `${texts.reduced} ${dong(item.reduction)}` : '',
  ].filter((part) => part !== '')
  return html`<li><span>${item.name}</span><span class="money">${dong(item.net)}</span>${parts.length === 0 ? null : html`<small>${parts.join(' · ')}</small>`}</li>`
}
