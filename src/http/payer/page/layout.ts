import { type Html, html } from './html.ts'
import { type Language, textsIn } from './texts.ts'

export type LayoutOptions = {
  readonly language: Language
  readonly title: string
  /** Address of this page without the language; the switch adds it. */
  readonly path: string
  /** Seconds until the page loads itself again; works without scripts. */
  readonly refreshSeconds?: number
  /** Where the browser goes by itself at once. */
  readonly goTo?: string
}

/** The frame of every payment page. */
export function layout(options: LayoutOptions, body: Html): string {
  const { language, title, path } = options
  const other: Language = language === 'vi' ? 'en' : 'vi'
  const refresh =
    options.goTo !== undefined
      ? html`<meta http-equiv="refresh" content="1;url=${options.goTo}">`
      : options.refreshSeconds !== undefined
        ? html`<meta http-equiv="refresh" content="${options.refreshSeconds}">`
        : null
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${refresh}
<title>${title}</title>
<link rel="stylesheet" href="/pay/assets/style.css">
<link rel="icon" href="data:,">
</head>
<body>
<header><p class="brand">FeeGate</p><a class="language" lang="${other}" hreflang="${other}" href="${path}?lang=${other}">${textsIn(language).otherLanguage}</a></header>
<main>${body}</main>
</body>
</html>
`.text
}
