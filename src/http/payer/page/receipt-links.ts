import { type Html, html } from './html.ts'
import type { Language } from './texts.ts'

export type PageReceipt = {
  readonly id: string
  readonly kind: string
  readonly symbol: string | null
  readonly number: number | null
  readonly relation: string | null
}

const texts = {
  vi: {
    title: 'Biên lai',
    pending: 'Biên lai đang được lập, thường trong vài phút. Mở lại trang này để xem.',
    kinds: { PHI: 'Biên lai thu phí', LE_PHI: 'Biên lai thu lệ phí' },
    relations: { ADJUSTS: 'điều chỉnh', REPLACES: 'thay thế' },
    number: 'số',
  },
  en: {
    title: 'Receipts',
    pending: 'The receipt is being issued, as a rule within minutes. Open this page again to see it.',
    kinds: { PHI: 'Receipt of a fee', LE_PHI: 'Receipt of a charge' },
    relations: { ADJUSTS: 'adjustment', REPLACES: 'replacement' },
    number: 'no.',
  },
}

/** On the payment page of a paid invoice: a link per receipt, or that it is on its way. */
export function receiptLinks(token: string, receipts: readonly PageReceipt[], language: Language): Html | null {
  if (receipts.length === 0) return null
  const { title, pending, kinds, relations, number } = texts[language]
  const link = (receipt: PageReceipt): Html => {
    const kind = receipt.kind === 'PHI' ? kinds.PHI : kinds.LE_PHI
    const relation =
      receipt.relation === null ? '' : ` (${receipt.relation === 'ADJUSTS' ? relations.ADJUSTS : relations.REPLACES})`
    return html`<li><a href="/pay/${token}/receipts/${receipt.id}?lang=${language}">${kind}${relation}: ${receipt.symbol ?? ''} ${number} ${receipt.number ?? ''}</a></li>`
  }
  const issued = receipts.filter((receipt) => receipt.number !== null)
  return html`<section><h2>${title}</h2>${issued.length === 0 ? null : html`<ul class="links">${issued.map(link)}</ul>`}${issued.length === receipts.length ? null : html`<p>${pending}</p>`}</section>`
}
