/** How far an import has come: a bar on a terminal, a line now and then elsewhere. */
import cliProgress from 'cli-progress'

export type Progress = {
  /** @param part of the file that is read, 0 to 1; null when nobody can tell */
  readonly lines: (count: number, part: number | null) => void
  readonly stop: () => void
}

const plainEvery = 50_000

export function showProgress(name: string, stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) {
    let told = 0
    return {
      lines(count) {
        if (count - told < plainEvery) return
        told = count
        stream.write(`${name}: ${count} lines read\n`)
      },
      stop() {},
    }
  }
  const bar = new cliProgress.SingleBar({
    format: `${name} [{bar}] {percentage} % {lines} lines, {duration_formatted}`,
    stream,
    clearOnComplete: true,
  })
  bar.start(steps, 0, { lines: 0 })
  return {
    lines: (count, part) => bar.update(Math.min(steps, Math.floor((part ?? 0) * steps)), { lines: count }),
    stop: () => bar.stop(),
  }
}

const steps = 1_000
