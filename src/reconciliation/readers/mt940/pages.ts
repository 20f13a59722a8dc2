/** Statements of one account in a file follow each other: pages by 60M/62M exactly, days by 60F/62F usually. */
import { decimalText, equal } from '../decimal.ts'
import type { StatementEvent } from '../statement.ts'
import type { ReadBalance } from '../tally.ts'

export type Page = {
  readonly account: string
  /** `:28C:` before and after the slash. */
  readonly number: string | null
  readonly page: string | null
  readonly opening: ReadBalance | null
  readonly closing: ReadBalance | null
  readonly line: number
}

export class PageChain {
  readonly #last = new Map<string, Page>()

  /** What is odd or wrong about `page` coming after the last one of its account. */
  follow(page: Page): StatementEvent[] {
    const last = this.#last.get(page.account)
    this.#last.set(page.account, page)
    const { opening } = page
    if (opening === null) return []
    const before = last?.closing ?? null
    if (before === null || last === undefined) {
      return opening.intermediate
        ? [warning('PAGE_MISSING', opening.line, 'the page before this one is not in the file')]
        : []
    }
    const sameStatement = page.number === last.number
    if (before.intermediate !== opening.intermediate) {
      return before.intermediate && sameStatement
        ? [
            problem(
              opening.line,
              `statement ${page.number ?? ''} starts anew after an intermediate balance in line ${before.line}`,
            ),
          ]
        : [warning('PAGE_MISSING', opening.line, `no page connects line ${before.line} with this one`)]
    }
    const joined = equal(before.amount, opening.amount) && sameCurrency(before, opening)
    const gap = `opens with ${decimalText(opening.amount)}, line ${before.line} closed with ${decimalText(before.amount)}`
    if (!opening.intermediate) return joined ? [] : [warning('BALANCE_GAP', opening.line, gap)]
    if (!joined) return [problem(opening.line, gap)]
    const inOrder =
      !sameStatement || page.page === null || last.page === null || Number(page.page) === Number(last.page) + 1
    return inOrder ? [] : [warning('SEQUENCE_GAP', page.line, `page ${page.page} follows page ${last.page}`)]
  }

  /** Statements whose last page in the file says that another follows. */
  end(): StatementEvent[] {
    return [...this.#last.values()].flatMap(({ closing }) =>
      closing?.intermediate === true ? [warning('PAGE_MISSING', closing.line, 'the next page is not in the file')] : [],
    )
  }
}

function sameCurrency(left: ReadBalance, right: ReadBalance): boolean {
  return left.currency === null || right.currency === null || left.currency === right.currency
}

function warning(code: 'PAGE_MISSING' | 'BALANCE_GAP' | 'SEQUENCE_GAP', line: number, message: string): StatementEvent {
  return { kind: 'warning', remark: { code, line, message } }
}

function problem(line: number, message: string): StatementEvent {
  return { kind: 'problem', remark: { code: 'PAGE_BROKEN', line, message } }
}
