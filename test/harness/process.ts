/** The program as operators run it: each command a process of its own, over a database and a data folder of the test's own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { Database } from '../../src/store/database.ts'
import { testDatabase } from './database.ts'

const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))

export type Ended = { readonly code: number; readonly out: string; readonly err: string }
export type Command = (args: readonly string[], variables?: Record<string, string>) => Promise<Ended>

export async function house(
  t: Test,
): Promise<{ folder: string; database: Database; variables: NodeJS.ProcessEnv; feegate: Command }> {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-trust-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { url, database } = await testDatabase(t)
  const variables = {
    ...process.env,
    DATA_DIR: folder,
    DATABASE_URL: url,
    PORT: '0',
    NODE_OPTIONS: '',
    NODE_V8_COVERAGE: undefined,
  }
  const feegate: Command = (args, more = {}) =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        [program, ...args],
        { env: { ...variables, ...more }, timeout: 60_000 },
        (error, out, err) =>
          resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, out, err }),
      )
    })
  return { folder, database, variables, feegate }
}

export async function serving(
  t: Test,
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; log: () => string; line: (pattern: RegExp) => Promise<RegExpExecArray> }> {
  const child = spawn(process.execPath, [program, 'serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let log = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      for (const look of watchers) look()
    })
  const line = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(log)
        if (found === null) return
        watchers.delete(look)
        resolve(found)
      }
      watchers.add(look)
      child.once('exit', (code) => reject(new Error(`the gateway ended (${code}): ${log}`)))
      look()
    })
  return { child, log: () => log, line }
}
