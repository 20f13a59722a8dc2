/** What a payer, a bank or a forger can do on a partner's page: one button each, the first of them the ordinary one. */
import { both, type Html, html } from './page.ts'

export type Ways = Readonly<Record<string, readonly [vi: string, en: string, ...rest: readonly string[]]>>

export function isWayOf<W extends Ways>(ways: W, text: string): text is keyof W & string {
  return Object.hasOwn(ways, text)
}

/** A form with a button for each way; the ordinary one stands out, the others follow under a heading of their own. */
export function wayForm(action: string, hidden: Readonly<Record<string, string>>, ways: Ways, fields?: Html): Html {
  const [first, ...others] = Object.entries(ways).map(
    ([way, [vi, en]], index) =>
      html`<button name="way" value="${way}"${index === 0 ? html` class="main"` : html``}>${both(vi, en)}</button>`,
  )
  return html`<form method="post" action="${action}">${Object.entries(hidden).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )}${fields ?? html``}${first ?? html``}<h2>${both('Thử tình huống khác', 'Try another case')}</h2><div class="ways">${others}</div></form>`
}
