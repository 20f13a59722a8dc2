/** What the demo prints, and what it holds to be true. */
export type Transcript = {
  section(title: string): void
  line(label: string, text: string): void
  /** A claim that must hold for `--once` to exit 0. */
  check(claim: string, holds: boolean): void
  /** Claims that did not hold. */
  readonly broken: readonly string[]
}

export function createTranscript(write: (text: string) => void): Transcript {
  const broken: string[] = []
  return {
    broken,
    section: (title) => write(`\n── ${title} ${'─'.repeat(Math.max(3, 90 - title.length))}\n`),
    line: (label, text) => write(`   ${label.padEnd(22)} ${text}\n`),
    check(claim, holds) {
      write(`   ${holds ? '✓' : '✗'} ${claim}\n`)
      if (!holds) broken.push(claim)
    },
  }
}
