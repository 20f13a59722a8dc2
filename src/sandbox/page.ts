/** Pages of the simulators: plain HTML that works without scripts, phone first, Vietnamese beside English. On a phone a table's rows stand as cards. */
const style = `:root{--ink:#1b1f24;--soft:#4a5058;--line:#c9d1d9;--pale:#f3f6f9;--act:#0b5d3b}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0;color:var(--ink);background:#fff}
header{background:#7a1f1f;color:#fff;padding:.4rem 1rem;font-size:.9rem}header .en{color:#f6dede}
main{max-width:42rem;margin:0 auto;padding:0 1rem 2rem}h1{font-size:1.3rem;line-height:1.3;margin:1rem 0}h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
.en{color:var(--soft)}h1 .en,h2 .en,button .en{display:block;font-size:.8em;font-weight:400}h1 .en i,h2 .en i,button .en i{display:none}.en i{font-style:normal}
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.35rem 1rem;margin:1rem 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}.money{font-size:1.5rem;line-height:1.2;white-space:nowrap}
button{font:inherit;line-height:1.3;width:100%;min-height:3rem;margin:.25rem 0;border:1px solid #30475e;border-radius:.5rem;background:var(--pale);color:var(--ink);text-align:left;padding:.45rem .8rem;cursor:pointer}
button.main{background:var(--act);border-color:var(--act);color:#fff;font-size:1.1rem;font-weight:600;text-align:center;margin:1rem 0}button.main .en{color:#e6f2ec}
.ways{display:grid;grid-template-columns:repeat(auto-fill,minmax(10rem,1fr));gap:.5rem}.ways button{margin:0;height:100%}
label{display:block;margin:.75rem 0}input,textarea{font:inherit;width:100%;padding:.55rem;border:1px solid #6b7580;border-radius:.4rem;background:#fff;color:var(--ink)}
.switch{display:flex;gap:.75rem;align-items:start;margin:0;padding:.5rem 0;border-bottom:1px solid var(--line)}.switch input{flex:none;width:1.3rem;height:1.3rem;margin:.1rem 0}
.links{list-style:none;margin:0;padding:0}.links a{display:block;padding:.7rem .25rem;border-bottom:1px solid var(--line)}a{color:#0b4f8a}a .en{color:inherit}
table{border-collapse:collapse;width:100%;font-size:.9rem}td,th{border:1px solid var(--line);padding:.35rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--pale);padding:.75rem;font-size:.85rem;border-radius:.4rem}
@media(max-width:40rem){thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}table,tbody,tr,td{display:block}tr{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.35rem .6rem}td{border:0;padding:.1rem 0;display:flex;gap:.75rem}td::before{content:attr(data-name);flex:0 0 38%;color:var(--soft);overflow-wrap:anywhere}td:empty{display:none}}`

/** Text that is already HTML. */
export type Html = { readonly html: string }

/** Escapes every inserted value that is not `Html` itself; lists are joined. */
export function html(
  texts: TemplateStringsArray,
  ...values: readonly (string | number | bigint | Html | readonly Html[])[]
): Html {
  let out = texts[0] ?? ''
  values.forEach((value, index) => {
    out +=
      (typeof value === 'object'
        ? [value]
            .flat()
            .map((part) => part.html)
            .join('')
        : escaped(String(value))) + (texts[index + 1] ?? '')
  })
  return { html: out }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Vietnamese first, English behind it. */
export function both(vi: string, en: string): Html {
  return html`${vi} <span lang="en" class="en"><i>/ </i>${en}</span>`
}

export function document(titleVi: string, titleEn: string, body: Html): string {
  return html`<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${titleVi} / ${titleEn}</title><style>${{ html: style }}</style></head>
<body><header>${both('Môi trường thử: không phải tiền thật', 'Sandbox: no real money')}</header>
<main><h1>${both(titleVi, titleEn)}</h1>${body}</main></body></html>`.html
}

export function facts(rows: readonly (readonly [vi: string, en: string, value: string | Html])[]): Html {
  return html`<dl>${rows.map(([vi, en, value]) => html`<dt>${both(vi, en)}</dt><dd>${value}</dd>`)}</dl>`
}

/** Headings are the names of the first row's fields. */
export function table(rows: readonly Readonly<Record<string, string>>[]): Html {
  const names = Object.keys(rows[0] ?? {})
  if (names.length === 0) return html`<p>${both('Chưa có', 'None yet')}</p>`
  return html`<table><thead><tr>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${names.map((name) => html`<td data-name="${name}">${row[name] ?? ''}</td>`)}</tr>`)}</tbody></table>`
}

/** An amount that a payer must not overlook. */
export function money(amount: bigint): Html {
  return html`<strong class="money">${dong(amount)}</strong>`
}

export function dong(amount: bigint): string {
  return `${amount.toString().replace(/\B(?=(\d{3})+$)/g, '.')} ₫`
}
