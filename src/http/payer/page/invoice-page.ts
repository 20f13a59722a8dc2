import { renderSVG } from 'uqr'
import { businessDate, readableLocalTime } from '../../../domain/vietnam-time.ts'
import { type Html, html, trustedMarkup } from './html.ts'
import { layout } from './layout.ts'
import { type Language, type Texts, textsIn } from './texts.ts'

export type PageItem = {
  readonly name: string
  readonly quantity: number
  readonly net: bigint
  readonly reduction: bigint
  readonly basis: string
}

export type PagePayerField = {
  readonly name: string
  readonly label: string
  readonly pattern: string
  readonly maxLength: number
  readonly secret: boolean
}

export type PageRail = { readonly id: string; readonly title: string; readonly payerFields: readonly PagePayerField[] }

export type PageQr = {
  readonly payload: string
  readonly accountNumber: string
  readonly accountName: string
  readonly amount: bigint
  readonly content: string
}

export type InvoicePage = {
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
  /** An attempt at a rail that the payer may have finished: its answer is awaited. */
  readonly attemptUnderWay: boolean
  readonly attemptFailed: boolean
  readonly rails: readonly PageRail[]
  readonly qr: PageQr | null
  readonly returnUrl: string | null
}

/** The page a payer opens: what is owed, to whom, by what law, and how to pay it; after payment, the proof. */
export function invoicePage(page: InvoicePage, language: Language): string {
  const texts = textsIn(language)
  const open = page.status === 'ISSUED' || page.status === 'PAYING'
  const watching = open && (page.attemptUnderWay || page.qr !== null)
  return layout(
    {
      language,
      title: `${texts.title} ${page.dossierCode}`,
      path: `/pay/${page.token}`,
      // Slow enough that a page with a form is not torn away from somebody who types.
      ...(watching && !page.rails.some(({ payerFields }) => payerFields.length > 0)
        ? { refreshSeconds: page.attemptUnderWay ? 4 : 10 }
        : {}),
    },
    html`<h1>${texts.title}</h1>
${statusSection(page, texts)}
${summary(page, texts)}
${open ? waysToPay(page, texts, language) : null}
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
      if (page.attemptUnderWay) return box('', texts.waiting, line(texts.waitingHint))
      return page.attemptFailed ? box('warn', texts.attemptFailed, null) : null
  }
}

function paidDetails(paid: NonNullable<InvoicePage['paid']>, texts: Texts): Html {
  return html`<dl><dt>${texts.paidAt}</dt><dd>${localMinute(paid.at)}</dd><dt>${texts.transaction}</dt><dd class="code">${paid.railTransactionId}</dd></dl>${paid.late ? html`<p>${texts.late}</p>` : null}`
}

function summary(page: InvoicePage, texts: Texts): Html {
  return html`<section>
<dl>
<dt>${texts.agency}</dt><dd>${page.agencyName}</dd>
<dt>${texts.dossier}</dt><dd class="code">${page.dossierCode}</dd>
<dt>${texts.procedure}</dt><dd>${page.procedureName}</dd>
${page.payerName === null ? null : html`<dt>${texts.payer}</dt><dd>${page.payerName}</dd>`}
<dt>${texts.payCode}</dt><dd class="code">${page.payCode}</dd>
<dt>${texts.payBefore}</dt><dd>${localMinute(page.expiresAt)}</dd>
</dl>
</section>
<section>
<h2>${texts.fees}</h2>
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

function waysToPay(page: InvoicePage, texts: Texts, language: Language): Html {
  if (page.rails.length === 0 && page.qr === null)
    return html`<section class="status warn"><p>${texts.noRail}</p></section>`
  return html`${page.qr === null ? null : qrSection(page.qr, texts)}
${page.rails.length === 0 ? null : html`<section><h2>${texts.chooseRail}</h2>${page.rails.map((rail) => railForm(page.token, rail, texts, language))}</section>`}`
}

/** The transfer as a QR picture and as lines for a payer who types it. */
export function qrSection(qr: PageQr, texts: Texts): Html {
  return html`<section class="qr">
<h2>${texts.scanQr}</h2>
<div role="img" aria-label="${texts.scanQr}">${trustedMarkup(renderSVG(qr.payload, { ecc: 'M', border: 4 }))}</div>
<p>${texts.scanHint}</p>
<dl>
<dt>${texts.account}</dt><dd class="code">${qr.accountNumber}</dd>
<dt>${texts.accountName}</dt><dd>${qr.accountName}</dd>
<dt>${texts.amount}</dt><dd>${dong(qr.amount)}</dd>
<dt>${texts.content}</dt><dd class="code">${qr.content}</dd>
</dl>
</section>`
}

function railForm(token: string, rail: PageRail, texts: Texts, language: Language): Html {
  const fields = rail.payerFields.map(
    (field) =>
      html`<label>${field.label}<input name="input.${field.name}" required maxlength="${field.maxLength}" pattern="${field.pattern}" autocomplete="off"${field.secret ? html` inputmode="numeric"` : null}></label>`,
  )
  return html`<form method="post" action="/pay/${token}/start">
<input type="hidden" name="rail" value="${rail.id}"><input type="hidden" name="lang" value="${language}">
${fields.length === 0 ? null : html`<fieldset><legend>${rail.title}</legend>${fields}</fieldset>`}
<button type="submit">${texts.payWith}: ${rail.title}</button>
</form>`
}

/** `58.000 ₫`. */
export function dong(amount: bigint): string {
  return `${amount.toString().replace(/\B(?=(\d{3})+(?!\d))/g, '.')} ₫`
}

/** `12:00 20/11/2026`, in Vietnam. */
function localMinute(at: Date): string {
  return `${readableLocalTime(at).slice(11, 16)} ${businessDate(at).split('-').reverse().join('/')}`
}
