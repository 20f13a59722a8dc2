/** The page of a basket: what is paid, what is not, and the one invoice that is being paid now. Says "done" only when all is. */
import { type BasketMember, basketSums, partOf } from '../../../domain/basket.ts'
import { dong, dongInText, localMinute } from './format.ts'
import { type Html, html } from './html.ts'
import { feesSection, type InvoicePage, openStatus, summary } from './invoice-page.ts'
import { layout, type Page } from './layout.ts'
import { type Language, type Texts, textsIn } from './texts.ts'
import { payAgain, refreshOf, waysToPay } from './ways-to-pay.ts'

export type BasketRow = BasketMember & {
  readonly title: string
  readonly creditorName: string
  readonly dossierCode: string
  /** Of the invoice's own page, which holds the proof of its payment and its receipts. */
  readonly payToken: string
  readonly paidAt: Date | null
  readonly underpaid: bigint | null
  readonly attemptUnderWay: boolean
  readonly attemptFailed: boolean
}

export type BasketPage = {
  readonly token: string
  readonly rows: readonly BasketRow[]
  /** The invoice whose ways to pay are shown; null when none is open. */
  readonly current: { readonly lineNo: number; readonly invoiceId: string; readonly page: InvoicePage } | null
  readonly returnUrl: string | null
}

export function basketPath(token: string): string {
  return `/pay/basket/${token}`
}

/** The line to pay next when the payer has not chosen: an open one that no bank is busy with, else an open one. */
export function nextLine(rows: readonly BasketRow[], wanted: number | null): number | null {
  const owed = rows.filter((row) => partOf(row, rows) === 'OWED')
  const next =
    owed.find(({ lineNo }) => lineNo === wanted) ?? owed.find(({ attemptUnderWay }) => !attemptUnderWay) ?? owed[0]
  return next?.lineNo ?? null
}

export function basketPage(page: BasketPage, language: Language): Page {
  const texts = textsIn(language)
  const { token, rows, current } = page
  const shown = rows.filter((row) => partOf(row, rows) !== 'REPLACED')
  const path = basketPath(token)
  const dossier = sharedDossier(shown)
  const waiting = rows.some(({ attemptUnderWay }) => attemptUnderWay)
  return layout(
    {
      language,
      title: texts.basketTitle(shown.length),
      path,
      ...(current === null ? {} : { keep: { n: String(current.lineNo) } }),
      refresh: current === null ? null : refreshOf(current.page, waiting),
    },
    html`<h1>${texts.basketTitle(shown.length)}</h1>
${progress(page, texts)}
<section>
<h2>${texts.basketList}</h2>
${dossier === null ? null : html`<p class="under">${texts.dossier}: <span class="code">${dossier}</span></p>`}
<ol class="parts">${shown.map((row) => partLine(row, page, texts, language))}</ol>
</section>
${current === null ? null : currentInvoice(current, path, texts, language)}
${page.returnUrl === null ? null : html`<p><a class="button plain" href="${page.returnUrl}">${texts.backToPortal}</a></p>`}`,
  )
}

/** Where the whole basket stands, and what to do next. */
function progress({ rows, current }: BasketPage, texts: Texts): Html {
  const sums = basketSums(rows)
  const parts = rows.map((row) => ({ row, part: partOf(row, rows) }))
  const count = (wanted: string): number => parts.filter(({ part }) => part === wanted).length
  const [paid, owed, lapsed] = [count('PAID'), count('OWED'), count('LAPSED')]
  const whole = paid + owed + lapsed
  const waiting = rows.filter(({ attemptUnderWay }) => attemptUnderWay).map(({ lineNo }) => lineNo)
  const money = html`<dl class="sums">
<dt>${texts.basketPaid}</dt><dd class="money">${dong(sums.paid)}</dd>
<dt>${texts.basketOwed}</dt><dd class="money">${dong(sums.owed)}</dd>
${lapsed === 0 ? null : html`<dt>${texts.basketLapsed}</dt><dd class="money">${dong(sums.lapsed)}</dd>`}
</dl>`
  const box = (tone: string, title: string, hints: readonly string[], below: Html | null): Html =>
    html`<section class="status ${tone}" role="status"><h2>${title}</h2>${below}${hints.map((hint) => html`<p>${hint}</p>`)}</section>`
  if (sums.status === 'PAID') return box('good', texts.basketDone(paid), [texts.statusPaidHint], money)
  if (sums.status === 'CLOSED') return box('', texts.basketClosed, [texts.basketClosedHint], null)
  const hints = [
    ...(waiting.length === 0 ? [] : [texts.basketWaiting(waiting.join(', '))]),
    ...(owed === 0 || current === null || waiting.includes(current.lineNo)
      ? []
      : [
          paid === 0 && owed > 1 ? texts.basketStart : '',
          texts.basketNext(owed, dongInText(sums.owed), current.lineNo),
        ]),
    ...(lapsed === 0 ? [] : [texts.basketLapsedHint(lapsed)]),
  ].filter((hint) => hint !== '')
  return box(owed === 0 ? 'warn' : '', texts.basketProgress(paid, whole), hints, money)
}

/** The dossier of all rows; null when there are several. */
function sharedDossier(rows: readonly BasketRow[]): string | null {
  const [first, ...others] = new Set(rows.map(({ dossierCode }) => dossierCode))
  return others.length === 0 ? (first ?? null) : null
}

function partLine(row: BasketRow, { token, rows, current }: BasketPage, texts: Texts, language: Language): Html {
  const part = partOf(row, rows)
  const isCurrent = current?.lineNo === row.lineNo
  const [tone, state] = stateOf(row, part, texts)
  const open = row.attemptUnderWay ? texts.basketOpenThis : texts.basketPayThis
  const where = isCurrent ? '' : `${basketPath(token)}?lang=${language}&n=${row.lineNo}`
  const link =
    part === 'OWED'
      ? html`<a class="pay" href="${where}#pay">${open} ${row.lineNo}</a>`
      : part === 'PAID'
        ? html`<a class="pay" href="/pay/${row.payToken}?lang=${language}">${texts.basketProof} ${row.lineNo}</a>`
        : null
  return html`<li${isCurrent ? html` aria-current="step"` : null} class="${tone}">
<span class="number">${row.lineNo}</span><span class="name">${row.title}</span><span class="money">${dong(row.total)}</span>
<small>${row.creditorName}</small>${sharedDossier(rows) === null ? html`<small class="code">${row.dossierCode}</small>` : null}
<strong class="state">${state}</strong>${link}
</li>`
}

function stateOf(row: BasketRow, part: ReturnType<typeof partOf>, texts: Texts): [tone: string, text: string] {
  switch (part) {
    case 'PAID':
      if (row.status === 'REFUNDED') return ['good', texts.partRefunded]
      if (row.status === 'PARTIALLY_REFUNDED') return ['good', texts.partPartlyRefunded]
      return ['good', row.paidAt === null ? texts.partPaid : `${texts.partPaid} ${localMinute(row.paidAt)}`]
    case 'LAPSED':
      return ['warn', texts.partLapsed]
    case 'NOTHING_OWED':
    case 'REPLACED':
      return ['none', row.status === 'WAIVED' ? texts.partWaived : texts.partCancelled]
    case 'OWED':
      if (row.attemptUnderWay) return ['busy', texts.partWaiting]
      if (row.underpaid !== null) return ['warn', texts.partUnderpaid(dongInText(row.underpaid))]
      return row.attemptFailed ? ['warn', texts.partFailed] : ['owed', texts.partOwed]
  }
}

function currentInvoice(
  { lineNo, invoiceId, page }: NonNullable<BasketPage['current']>,
  path: string,
  texts: Texts,
  language: Language,
): Html {
  return html`<h2 class="step" id="pay">${texts.basketStep(lineNo)}: ${dong(page.total)}</h2>
${openStatus(page, texts)}
${(page.attemptUnderWay ? payAgain : waysToPay)(page, { action: `${path}/start`, fields: { invoice: invoiceId } }, texts, language)}
${feesSection(page, texts.basketDetails(lineNo), texts)}
${summary(page, texts)}`
}
