/** A payer's browser without scripts: opens pages, follows links and sends forms, and nothing else. */

export type Page = { readonly url: string; readonly status: number; readonly html: string }

type Form = { readonly action: string; readonly fields: ReadonlyMap<string, string>; readonly html: string }

export async function open(url: string): Promise<Page> {
  return await pageOf(await fetch(url))
}

/** Sends the form that has a field or button of this name and value. */
export async function press(
  page: Page,
  name: string,
  value: string,
  typed: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const form = formsOf(page).find(
    ({ fields, html }) => fields.get(name) === value || html.includes(`<button name="${name}" value="${value}"`),
  )
  if (form === undefined) throw new Error(`no form with ${name}=${value} at ${page.url}: ${page.html.slice(0, 3_000)}`)
  return await send(form, { ...typed, [name]: value })
}

/** Sends the only form of the page that posts to an address holding `part`. */
export async function submit(page: Page, part: string, typed: Readonly<Record<string, string>> = {}): Promise<Page> {
  const [form, ...others] = formsOf(page).filter(({ action }) => action.includes(part))
  if (form === undefined || others.length > 0)
    throw new Error(`${others.length + (form === undefined ? 0 : 1)} forms to ${part} at ${page.url}`)
  return await send(form, typed)
}

/** Follows the first link whose address holds `part`. */
export async function follow(page: Page, part: string): Promise<Page> {
  const link = [...page.html.matchAll(/<a [^>]*href="([^"]+)"/g)]
    .map(([, href = '']) => href)
    .find((href) => href.includes(part))
  if (link === undefined) throw new Error(`no link to ${part} at ${page.url}`)
  return await open(new URL(text(link), page.url).toString())
}

async function send({ action, fields }: Form, typed: Readonly<Record<string, string>>): Promise<Page> {
  const body = new URLSearchParams([...fields])
  for (const [name, value] of Object.entries(typed)) body.set(name, value)
  return await pageOf(await fetch(action, { method: 'POST', body }))
}

function formsOf(page: Page): Form[] {
  return [...page.html.matchAll(/<form ([^>]*)>(.*?)<\/form>/gs)].map(([, attributes = '', html = '']) => {
    const action = /action="([^"]*)"/.exec(attributes)?.[1] ?? page.url
    const fields = [...html.matchAll(/<input ([^>]*)>/g)].flatMap(([, input = '']): [string, string][] => {
      const name = /(?:^|\s)name="([^"]*)"/.exec(input)?.[1]
      return name === undefined ? [] : [[name, text(/(?:^|\s)value="([^"]*)"/.exec(input)?.[1] ?? '')]]
    })
    return { action: new URL(text(action), page.url).toString(), fields: new Map(fields), html }
  })
}

async function pageOf(answer: Response): Promise<Page> {
  return { url: answer.url, status: answer.status, html: await answer.text() }
}

function text(escaped: string): string {
  return escaped.replace(/&(?:#(\d+)|amp|lt|gt|quot);/g, (entity, code?: string) =>
    code === undefined
      ? ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' }[entity] ?? entity)
      : String.fromCharCode(Number(code)),
  )
}
