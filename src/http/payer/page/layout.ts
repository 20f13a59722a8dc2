import { createHash } from 'node:crypto'
import { type Html, html } from './html.ts'
import { type Language, textsIn } from './texts.ts'

export type LayoutOptions = {
  readonly language: Language
  readonly title: string
  /** Address of this page without the language; the switch adds it. */
  readonly path: string
  /** What else the address of this page says, for the language switch to keep. */
  readonly keep?: Readonly<Record<string, string>>
  /** How the page follows what happens meanwhile; null or left out: it shows something final. */
  readonly refresh?: Refresh | null
  /** Where the browser goes by itself at once. */
  readonly goTo?: string
}

export type Refresh = {
  readonly everySeconds: number
  /** Somebody may be typing: without scripts the page stays as it is then. */
  readonly typing: boolean
}

export type Page = {
  readonly html: string
  /** Differs when the page shows something else. */
  readonly state: string
}

/** The frame of every payment page. */
export function layout(options: LayoutOptions, body: Html): Page {
  const { language, title, path, keep = {}, refresh = null, goTo } = options
  const other: Language = language === 'vi' ? 'en' : 'vi'
  const query = Object.entries({ lang: other, ...keep })
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const state = createHash('sha256').update(body.text).digest('base64url').slice(0, 16)
  const page = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${goTo === undefined ? null : html`<meta http-equiv="refresh" content="1;url=${goTo}">`}
${refresh === null ? null : follow(refresh)}
<title>${title}</title>
<link rel="stylesheet" href="/pay/assets/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><p class="brand">FeeGate</p><a class="language" lang="${other}" hreflang="${other}" href="${path}?${query}">${textsIn(language).otherLanguage}</a></header>
<main data-state="${state}"${refresh === null ? null : html` data-every="${refresh.everySeconds}"`}>${body}</main>
</body>
</html>
`
  return { html: page.text, state }
}

/** A reload closes what the payer has opened, so by its own clock it comes more seldom. */
const leastReloadSeconds = 10

function follow({ everySeconds, typing }: Refresh): Html {
  const reload = html`<noscript><meta http-equiv="refresh" content="${Math.max(everySeconds, leastReloadSeconds)}"></noscript>`
  return html`<script src="/pay/assets/refresh.js" defer></script>${typing ? null : reload}`
}
