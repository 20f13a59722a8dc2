import { PassThrough } from 'node:stream'
import t from 'tap'
import { showProgress } from '../../src/cli/progress.ts'

/** A stream that keeps what is written, as wide as a terminal or none. */
function screen(isTTY: boolean): { stream: NodeJS.WriteStream; shown: () => string } {
  let shown = ''
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, rows: 24 })
  stream.on('data', (chunk: Buffer) => {
    shown += chunk.toString()
  })
  // Of a terminal, the bar uses what is set above and the escape sequences it writes.
  return { stream: stream as unknown as NodeJS.WriteStream, shown: () => shown }
}

t.test('on a terminal a bar shows the part of the file and its lines, and is gone when the file is read', async (t) => {
  const { stream, shown } = screen(true)
  const progress = showProgress('day.sta', stream)
  progress.lines(12_000, 0.25)
  // It draws at most ten times a second.
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.match(shown(), /day\.sta \[=+-+\] 25 % 12000 lines, /)
  progress.stop()
  t.match(JSON.stringify(shown()).slice(-30), /\[0J|\[0K|\[2K/, 'its line is cleared')
})

t.test('elsewhere a line tells every fifty thousand lines', async (t) => {
  const { stream, shown } = screen(false)
  const progress = showProgress('day.sta', stream)
  for (const count of [5_000, 50_000, 60_000, 100_000]) progress.lines(count, null)
  progress.stop()
  await new Promise(setImmediate)
  t.equal(shown(), 'day.sta: 50000 lines read\nday.sta: 100000 lines read\n')
})
