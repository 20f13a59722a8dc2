import type { PaymentInstruction } from '../../../payment/instruction.ts'
import { type Html, html } from './html.ts'
import { layout, type Page } from './layout.ts'
import { type Language, textsIn } from './texts.ts'
import { qrSection } from './ways-to-pay.ts'

export type AttemptPage = {
  /** Address of the page it was begun from: an invoice's or a basket's. */
  readonly home: string
  readonly paymentId: string
  readonly railTitle: string
  readonly instruction: PaymentInstruction
  /** After a wrong one-time code. */
  readonly triesLeft: number | null
}

/** How the payer goes on with an attempt that has begun. */
export function attemptPage(page: AttemptPage, language: Language): Page {
  const texts = textsIn(language)
  const { instruction } = page
  const path = `${page.home}/payments/${page.paymentId}`
  const back = html`<p><a class="button plain" href="${page.home}?lang=${language}">${texts.back}</a></p>`
  const frame = { language, title: texts.title, path }
  switch (instruction.kind) {
    case 'redirect':
      return layout(
        { ...frame, goTo: instruction.url },
        html`<h1>${page.railTitle}</h1><section><p>${texts.goToBankHint}</p><p><a class="button" rel="noreferrer" href="${instruction.url}">${texts.goToBank}</a></p></section>${back}`,
      )
    case 'form':
      return layout(
        frame,
        html`<h1>${page.railTitle}</h1><section><form method="post" action="${instruction.action}">${hiddenFields(instruction.fields)}<button type="submit">${texts.goToBank}</button></form></section>${back}`,
      )
    case 'qr': {
      const { payload, transfer } = instruction
      const qr = { payload, transfer: transfer === undefined ? null : { ...transfer, amount: BigInt(transfer.amount) } }
      return layout(
        { ...frame, refresh: { everySeconds: 5, typing: false } },
        html`<h1>${page.railTitle}</h1>${qrSection(qr, texts)}${back}`,
      )
    }
    case 'otpChallenge':
      return layout(
        frame,
        html`<h1>${texts.otpTitle}</h1><section>
${page.triesLeft === null ? html`<p>${texts.otpHint}</p>` : html`<p role="alert">${texts.otpWrong} ${page.triesLeft}</p>`}
<form method="post" action="${path}/confirm"><input type="hidden" name="lang" value="${language}">
<label>${texts.otpLabel}<input name="otp" required inputmode="numeric" autocomplete="one-time-code" pattern="[0-9A-Za-z]{4,20}" maxlength="20"></label>
<button type="submit">${texts.confirm}</button></form></section>${back}`,
      )
    case 'refused':
      return layout(
        frame,
        html`<h1>${texts.refused}</h1><section class="status warn" role="status"><p>${texts.refusedHint}</p></section><p><a class="button" href="${page.home}?lang=${language}">${texts.tryAgain}</a></p>`,
      )
    case 'wait':
      return layout(
        { ...frame, refresh: { everySeconds: 4, typing: false } },
        html`<h1>${texts.waiting}</h1><section class="status" role="status"><p>${texts.waitingHint}</p></section>${back}`,
      )
  }
}

/** A page with one message: not found, not available, not possible. `home` leads back to where the payer came from. */
export function messagePage(title: string, hint: string, language: Language, home: string | null): Page {
  const back =
    home === null ? null : html`<p><a class="button" href="${home}?lang=${language}">${textsIn(language).back}</a></p>`
  return layout(
    { language, title, path: home ?? '/pay' },
    html`<h1>${title}</h1><section class="status warn" role="status"><p>${hint}</p></section>${back}`,
  )
}

function hiddenFields(fields: Readonly<Record<string, string>>): Html[] {
  return Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)
}
