/** Pages in a real browser at the width of a phone. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

export const phoneWidth = 390

export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })
}

/** Without JavaScript unless told otherwise: the pages must work all the same. */
export async function openPhone(t: Test, browser: Browser, { javaScriptEnabled = false } = {}): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: phoneWidth, height: 844 },
    locale: 'vi-VN',
    javaScriptEnabled,
  })
  t.teardown(() => context.close())
  return await context.newPage()
}

/** Kept in the folder `PAGE_PICTURES`, for people to look at; nowhere without it. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.PAGE_PICTURES
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Accessibility faults that axe can see. Evaluated by the debugger: the pages' own policy allows no script. */
export async function axeFaults(page: Page): Promise<string[]> {
  const result = (await page.evaluate(`${axe}; axe.run()`)) as {
    violations: { id: string; nodes: { html: string }[] }[]
  }
  return result.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)
}

/** Elements that reach beyond the right edge of the screen, but for those inside a box that scrolls by itself. */
export async function runsOff(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth')) - phoneWidth
}
