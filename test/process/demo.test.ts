import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

t.test('the demo holds everything it claims, and starts again on the data it left', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'feegate-demo-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const program = fileURLToPath(new URL('../../bin/feegate.js', import.meta.url))
  const env = { ...process.env, DATA_DIR: folder, PORT: '0', NODE_OPTIONS: '', NODE_V8_COVERAGE: undefined }
  for (const round of ['first', 'second']) {
    const { failed, out } = await new Promise<{ failed: boolean; out: string }>((resolve) => {
      execFile(process.execPath, [program, 'demo', '--once'], { env }, (error, out, err) =>
        resolve({ failed: error !== null, out: out + err }),
      )
    })
    t.notOk(
      failed,
      `${round} run: ${out
        .split('\n')
        .filter((line) => line.includes('✗'))
        .join('; ')}`,
    )
    t.match(out, 'Everything above was checked and held.')
  }
})
