/** Pages of the simulators: plain HTML that works without scripts, phone first, Vietnamese beside English. */
const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:0 auto;padding:1rem;color:#1b1f24;background:#fff}
h1{font-size:1.35rem;margin:.5rem 0}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}.sandbox{background:#7a1f1f;color:#fff;padding:.35rem .75rem;margin:-1rem -1rem 1rem}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dt{color:#4a5058}dd{margin:0;overflow-wrap:anywhere}
button{font:inherit;width:100%;min-height:2.9rem;margin:.25rem 0;border:1px solid #30475e;border-radius:.4rem;background:#f3f6f9;color:#1b1f24;text-align:left;padding:.4rem .8rem}
button.main{background:#0b5d3b;color:#fff;border-color:#0b5d3b}label{display:block;margin:.5rem 0}input,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}
input[type=checkbox]{width:auto}.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}td,th{border:1px solid #c9d1d9;padding:.3rem .5rem;text-align:left;vertical-align:top}
pre{overflow-x:auto;background:#f3f6f9;padding:.75rem;font-size:.85rem}.en{color:#4a5058}button.main .en{color:#e6f2ec}`

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
  return html`${vi} <span lang="en" class="en">/ ${en}</span>`
}

export function document(titleVi: string, titleEn: string, body: Html): string {
  return html`<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${titleVi} / ${titleEn}</title><style>${{ html: style }}</style></head>
<body><p class="sandbox">${both('Môi trường thử: không phải tiền thật', 'Sandbox: no real money')}</p>
<main><h1>${both(titleVi, titleEn)}</h1>${body}</main></body></html>`.html
}

export function facts(rows: readonly (readonly [vi: string, en: string, value: string | Html])[]): Html {
  return html`<dl>${rows.map(([vi, en, value]) => html`<dt>${both(vi, en)}</dt><dd>${value}</dd>`)}</dl>`
}

/** Headings are the names of the first row's fields. */
export function table(rows: readonly Readonly<Record<string, string>>[]): Html {
  const names = Object.keys(rows[0] ?? {})
  if (names.length === 0) return html`<p>${both('Chưa có', 'None yet')}</p>`
  return html`<div class="wide"><table><thead><tr>${names.map((name) => html`<th>${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${names.map((name) => html`<td>${row[name] ?? ''}</td>`)}</tr>`)}</tbody></table></div>`
}

export function dong(amount: bigint): string {
  return `${amount.toString().replace(/\B(?=(\d{3})+$)/g, '.')} ₫`
}
