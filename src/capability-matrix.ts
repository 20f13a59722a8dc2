/** What each rail can do, by its adapter's own word: the table of the README. */
import type { Adapter } from '../adapters/contract.ts'
import { markdownTable } from './markdown-table.ts'

const columns = [
  'Rail',
  'Channels',
  'Start',
  'Callback',
  'Inquiry',
  'Refund',
  'Bank asks us',
  'Statement',
  'Amount (VND)',
  'Description',
  'Facts from',
  'Unverified',
]

export function capabilityMatrix(adapters: readonly Adapter[]): string {
  return markdownTable(columns, adapters.map(rowOf))
}

function rowOf({ name, titleEn, channels, capabilities }: Adapter): string[] {
  const { start, callback, inquiry, refund, pull, statement, minAmount, maxAmount } = capabilities
  return [
    `[${name}](adapters/${name}/README.md): ${titleEn}`,
    channels.map((channel) => channel.toLowerCase()).join(', '),
    mark(start),
    mark(callback),
    mark(inquiry),
    refund === 'none' ? '–' : refund,
    mark(pull),
    statement === 'none' ? '–' : statement,
    `${grouped(minAmount)} – ${grouped(maxAmount)}`,
    `≤ ${capabilities.descriptionMaxLength}`,
    capabilities.source,
    String(capabilities.unverified.length),
  ]
}

function mark(can: boolean): string {
  return can ? '✓' : '–'
}

function grouped(amount: bigint): string {
  return amount.toString().replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `text` with the part between the markers `<!-- name -->` and `<!-- /name -->` replaced. @throws Error without the markers. */
export function withRegion(text: string, name: string, content: string): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`]
  const from = text.indexOf(begin)
  const to = text.indexOf(end, from)
  if (from === -1 || to === -1) throw new Error(`no region ${name}`)
  return text.slice(0, from + begin.length) + content + text.slice(to)
}
