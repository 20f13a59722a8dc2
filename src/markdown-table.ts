/** A Markdown table in columns, as the formatter would write it; widths count characters. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((_, at) => Math.max(...[columns, ...rows].map((row) => [...(row[at] ?? '')].length)))
  const line = (cells: readonly string[], fill: string): string =>
    `| ${cells.map((cell, at) => cell + fill.repeat((widths[at] ?? 0) - [...cell].length)).join(' | ')} |`
  const rule = columns.map(() => '')
  return [line(columns, ' '), line(rule, '-'), ...rows.map((row) => line(row, ' '))].join('\n')
}
