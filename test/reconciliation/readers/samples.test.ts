import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { z } from 'zod'
import { inspectStatements, type StatementSummary } from '../../../src/cli/statements.ts'
import { add, type Decimal, decimalText, parseDecimal, zero } from '../../../src/reconciliation/readers/decimal.ts'
import { StatementRefused } from '../../../src/reconciliation/readers/refused.ts'
import { samples } from './build.ts'

const mt940Expected = z
  .record(
    z.string(),
    z.object({
      lines61: z.number(),
      parsed61: z.number(),
      creditSum: z.string(),
      debitSum: z.string(),
      statements20: z.number(),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('mt940/expected.json', samples), 'utf8')))

const camtExpected = z
  .record(
    z.string(),
    z.object({
      root: z.string(),
      statements: z.array(z.object({ type: z.string(), entries: z.number(), credits: z.string(), debits: z.string() })),
    }),
  )
  .parse(JSON.parse(readFileSync(new URL('camt/expected.json', samples), 'utf8')))

/** Samples that cannot be booked, and the first thing wrong with each; all others must be accepted. */
const broken: Record<string, string> = {
  'mt940/betterplace--empty_entry_date.sta': 'STATEMENT_UNNAMED',
  'mt940/betterplace--missing_crlf_at_end.sta': 'STATEMENT_UNNAMED',
  'mt940/betterplace--sepa_snippet.sta': 'BALANCE_BROKEN',
  'mt940/cmxl--account_identification_legacy.sta': 'STATEMENT_UNNAMED',
  'mt940/cmxl--closing_balance.sta': 'STATEMENT_UNNAMED',
  'mt940/cmxl--reference.sta': 'ACCOUNT_MISSING',
  'mt940/cmxl--statement_details.sta': 'STATEMENT_UNNAMED',
  'mt940/cmxl--statement_line.sta': 'STATEMENT_UNNAMED',
  'mt940/jejik--abnamro.sta': 'BALANCE_BROKEN',
  'mt940/self-provided--empty_non_swift.sta': 'STATEMENT_MISSING',
  'mt940/self-provided--gv_codes.sta': 'BALANCE_MISSING',
  'mt940/self-provided--overly_long_details.sta': 'BALANCE_BROKEN',
  'camt/camt053.v2.all-balance-types.xml': 'BALANCE_BROKEN',
  'camt/camt053.v2.five.decimals.xml': 'BALANCE_BROKEN',
  'camt/camt053.v2.minimal.ultimate.xml': 'BALANCE_BROKEN',
  'camt/camt053.v2.minimal.xml': 'BALANCE_BROKEN',
  'camt/camt053.v2.with-account-name.xml': 'BALANCE_MISSING',
  'camt/camt053.v2.with-party-ids.xml': 'BALANCE_BROKEN',
  'camt/camt053.v8.xml': 'BALANCE_BROKEN',
  'camt/camt054.v4.xml': 'BATCH_TOTAL',
}

for (const [name, expected] of Object.entries(mt940Expected)) {
  t.test(`${name} has the totals of a plain scan`, async (t) => {
    const { summaries, refusal } = await inspect(`mt940/${name}`)
    t.equal(sum(summaries.map(({ entries }) => `${entries}`)), `${expected.parsed61}`)
    t.equal(sum(summaries.map(({ credits }) => credits.sum)), expected.creditSum)
    t.equal(sum(summaries.map(({ debits }) => debits.sum)), expected.debitSum)
    // Files without :20: are fragments; what stands in them is read as one statement without a name.
    if (expected.statements20 > 0) t.equal(summaries.length, expected.statements20)
    t.equal(refusal?.problems[0]?.code, broken[`mt940/${name}`])
  })
}

for (const [name, expected] of Object.entries(camtExpected)) {
  t.test(`${name} has the totals of a plain scan`, async (t) => {
    const { summaries, refusal } = await inspect(`camt/${name}`)
    const found = summaries.map(({ entries, credits, debits }) => ({
      entries,
      credits: credits.sum,
      debits: debits.sum,
    }))
    t.same(
      found,
      expected.statements.map(({ entries, credits, debits }) => ({ entries, credits, debits })),
    )
    t.ok(summaries.every(({ format }) => expected.root.includes(format)))
    t.equal(refusal?.problems[0]?.code, broken[`camt/${name}`])
  })
}

t.test('a pending entry is shown apart', async (t) => {
  const { summaries } = await inspect('camt/camt052.v4.xml')
  t.same(summaries[0]?.notBooked.debits, { count: 1, sum: '200000' })
})

async function inspect(name: string): Promise<{ summaries: StatementSummary[]; refusal: StatementRefused | null }> {
  const summaries: StatementSummary[] = []
  try {
    for await (const summary of inspectStatements(fileURLToPath(new URL(name, samples)))) summaries.push(summary)
    return { summaries, refusal: null }
  } catch (error) {
    if (!(error instanceof StatementRefused)) throw error
    return { summaries, refusal: error }
  }
}

function sum(texts: readonly string[]): string {
  const total = texts.reduce<Decimal>((left, text) => {
    const right = parseDecimal(text, '.')
    if (right === null) throw new RangeError(`not a decimal: ${text}`)
    return add(left, right)
  }, zero)
  return decimalText(total)
}
