/** How to pay an open invoice: the transfer QR, a button for each rail, and which rails only time keeps away. */
import { bankName } from '../../../domain/codes/bank-bin.ts'
import { dong, dongInText } from './format.ts'
import { type Html, html } from './html.ts'
import type { Refresh } from './layout.ts'
import { qrPicture } from './qr-picture.ts'
import type { Language, Texts } from './texts.ts'

export type PagePayerField = {
  readonly name: string
  readonly label: string
  readonly pattern: string
  readonly maxLength: number
  readonly secret: boolean
}

export type PageRail = {
  readonly id: string
  readonly title: string
  /** What the payer is charged on top by the rail itself. */
  readonly fees: readonly { readonly name: string; readonly amount: bigint }[]
  readonly payerFields: readonly PagePayerField[]
}

export type PageClosedRail = { readonly title: string; readonly reason: string }

export type PageQr = {
  readonly payload: string
  /** The same for a payer who types it by hand, where the rail lets it be typed. */
  readonly transfer: PageTransfer | null
}

export type PageTransfer = {
  readonly bankBin: string
  readonly accountNumber: string
  readonly accountName: string
  readonly amount: bigint
  readonly content: string
}

export type WaysToPay = {
  readonly rails: readonly PageRail[]
  /** Rails that would be there at another time. */
  readonly closedRails: readonly PageClosedRail[]
  readonly qr: PageQr | null
}

/** Where the forms of a page go, and what they carry besides the rail. */
export type FormTarget = { readonly action: string; readonly fields: Readonly<Record<string, string>> }

/** While a bank may still say yes, paying again is a step aside: nobody should do it without being asked. */
export function payAgain(ways: WaysToPay, target: FormTarget, texts: Texts, language: Language): Html {
  return html`<details><summary>${texts.payAgain}</summary>${waysToPay(ways, target, texts, language)}</details>`
}

export function waysToPay(ways: WaysToPay, target: FormTarget, texts: Texts, language: Language): Html {
  const { rails, closedRails, qr } = ways
  if (rails.length === 0 && qr === null)
    return closedRails.length === 0
      ? html`<section class="status warn"><p>${texts.noRail}</p></section>`
      : html`<section class="status warn"><h2>${texts.noRailNow}</h2>${closedList(closedRails)}<p>${texts.noRailNowHint}</p></section>`
  return html`${qr === null ? null : qrSection(qr, texts)}
${rails.length === 0 ? null : html`<section><h2>${texts.chooseRail}</h2>${rails.map((rail) => railForm(rail, target, texts, language))}</section>`}
${closedRails.length === 0 ? null : html`<section><h2>${texts.closedRails}</h2>${closedList(closedRails)}</section>`}`
}

/** How a page that offers these ways follows what happens; null while nothing can change it but the payer. */
export function refreshOf(ways: WaysToPay, attemptUnderWay: boolean): Refresh | null {
  const typing = ways.rails.some(({ payerFields }) => payerFields.length > 0)
  if (attemptUnderWay) return { everySeconds: 4, typing }
  if (ways.qr !== null) return { everySeconds: 10, typing }
  return ways.rails.length === 0 && ways.closedRails.length > 0 ? { everySeconds: 30, typing } : null
}

/** The order as a QR picture and, where it is a transfer, as lines for a payer who types it. */
export function qrSection({ payload, transfer }: PageQr, texts: Texts): Html {
  return html`<section class="qr">
<h2>${texts.scanQr}</h2>
<div role="img" aria-label="${texts.scanQr}">${qrPicture(payload)}</div>
${transfer === null ? null : transferLines(transfer, texts)}
</section>`
}

function transferLines({ bankBin, accountNumber, accountName, amount, content }: PageTransfer, texts: Texts): Html {
  const bank = bankName(bankBin)
  return html`<p>${texts.scanHint}</p>
<dl>
<dt>${texts.bank}</dt><dd>${bank === null ? bankBin : `${bank} (${bankBin})`}</dd>
<dt>${texts.account}</dt><dd class="code">${accountNumber}</dd>
<dt>${texts.accountName}</dt><dd>${accountName}</dd>
<dt>${texts.amount}</dt><dd>${dong(amount)}</dd>
<dt>${texts.content}</dt><dd class="code">${content}</dd>
</dl>`
}

function railForm(rail: PageRail, target: FormTarget, texts: Texts, language: Language): Html {
  const fields = rail.payerFields.map(
    (field) =>
      html`<label>${field.label}<input name="input.${field.name}" required maxlength="${field.maxLength}" pattern="${field.pattern}" autocomplete="off"${field.secret ? html` inputmode="numeric"` : null}></label>`,
  )
  const hidden = Object.entries({ ...target.fields, rail: rail.id, lang: language }).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
  const fees = rail.fees.map(
    ({ name, amount }) => html`<small>${texts.railFee} ${dongInText(amount)} (${name}). ${texts.railFeeHint}</small>`,
  )
  return html`<form method="post" action="${target.action}">
${hidden}
${fields.length === 0 ? null : html`<fieldset><legend>${rail.title}</legend>${fields}</fieldset>`}
<button type="submit">${texts.payWith}: ${rail.title}</button>${fees}
</form>`
}

function closedList(rails: readonly PageClosedRail[]): Html {
  return html`<ul class="closed">${rails.map(({ title, reason }) => html`<li><strong>${title}:</strong> ${reason}</li>`)}</ul>`
}
