/** Pages in a real browser at the width of a phone. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { TAP, Test } from 'tap'
import { pathOf } from './programs.ts'

export const phoneWidth = 390

/** How a page is opened; without JavaScript unless told otherwise: the pages must work all the same. */
export type Screen = { readonly width: number; readonly height: number; readonly javaScriptEnabled: boolean }

/** One browser for a file of tests, gone at its end: the answer opens pages in it, each with nothing remembered. */
export function phonesOf(file: TAP, usual: Partial<Screen> = {}): (t: Test, screen?: Partial<Screen>) => Promise<Page> {
  let browser: Browser | null = null
  file.before(async () => {
    browser = await chromium.launch({
      executablePath: pathOf('chromium'),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    })
  })
  file.teardown(() => browser?.close())
  return async (t, screen = {}) => {
    if (browser === null) throw new Error('no browser')
    const { width, height, javaScriptEnabled } = {
      width: phoneWidth,
      height: 844,
      javaScriptEnabled: false,
      ...usual,
      ...screen,
    }
    const context = await browser.newContext({ viewport: { width, height }, locale: 'vi-VN', javaScriptEnabled })
    t.teardown(() => context.close())
    return await context.newPage()
  }
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

/** By how many pixels the page is wider than its screen. */
export async function runsOff(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'))
}
