/** `npm run bench [settle|issue|verify|reconcile|journal …]`: each path beside its own limit, in the same run. Prints ratios; asserts nothing. */
import { benchIssue } from './issue.ts'
import { benchJournal } from './journal.ts'
import { benchReconcile } from './reconcile.ts'
import { benchSettle } from './settle.ts'
import { benchVerify } from './verify.ts'

const benches: Record<string, () => Promise<void>> = {
  settle: benchSettle,
  issue: benchIssue,
  verify: benchVerify,
  reconcile: benchReconcile,
  journal: benchJournal,
}
const wanted = process.argv.slice(2)
for (const name of wanted.length === 0 ? Object.keys(benches) : wanted) {
  const bench = benches[name]
  if (bench === undefined) {
    process.stderr.write(`there is no bench ${name}; benches: ${Object.keys(benches).join(' ')}\n`)
    process.exitCode = 1
  } else {
    await bench()
  }
}
