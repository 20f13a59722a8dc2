import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the keeper tells the test files. */
export type Servers = { readonly postgresUrl: string; readonly templateDatabase: string; readonly redisUrl: string }

/** One file per test run, named by the runner that is the parent of every test process. */
export function serversFile(runnerPid: number): string {
  return join(tmpdir(), `feegate-test-${runnerPid}.json`)
}

export function servers(): Servers {
  const file = serversFile(process.ppid)
  if (!existsSync(file))
    throw new Error('the test servers are not running: run tests through `npm test` or `npx tap <file>`')
  return JSON.parse(readFileSync(file, 'utf8'))
}
