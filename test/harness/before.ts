/** Runs once before all test files: brings up one PostgreSQL and one Redis for the run, kept by `keeper.ts`. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ensureProgram } from './programs.ts'
import { serversFile } from './servers.ts'

const runner = process.ppid
ensureProgram('redis-server', 'redis-server')
ensureProgram('chromium', 'chromium')
ensureProgram('openssl', 'openssl', 'version')

const keeper = spawn(process.execPath, [fileURLToPath(new URL('keeper.ts', import.meta.url)), String(runner)], {
  detached: true,
  stdio: ['ignore', 'ignore', 'pipe'],
})
let complaint = ''
keeper.stderr.on('data', (chunk: Buffer) => {
  complaint += chunk.toString('utf8')
})
const file = serversFile(runner)
for (let waited = 0; !existsSync(file) || readFileSync(file, 'utf8') === ''; waited += 50) {
  if (keeper.exitCode !== null || waited > 60_000) {
    process.stderr.write(`the test servers did not start: ${complaint}\n`)
    process.exit(1)
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
}
process.exit(0)
