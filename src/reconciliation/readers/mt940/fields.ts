/** Fields by tag, and what reads them. `:86:` and `:NS:` belong to the field before them and are read apart. */
export const fields: Record<string, Reading> = {
  '13': 'readReportDate',
  '13D': 'readReportDate',
  '20': 'readMessageId',
  '21': 'ignore',
  '25': 'readAccount',
  '25P': 'readAccount',
  '28': 'readStatementId',
  '28C': 'readStatementId',
  '34F': 'readFloor',
  '60F': 'readOpening',
  '60M': 'readOpening',
  '61': 'readEntry',
  '62F': 'readClosing',
  '62M': 'readClosing',
  '64': 'readOther',
  '65': 'readOther',
  '90C': 'readTotal',
  '90D': 'readTotal',
}

/** False for what only looks like a field: part of a wrapped text, or a tag of no statement. */
export function isFieldTag(tag: string): boolean {
  return tag === '86' || tag === 'NS' || Object.hasOwn(fields, tag)
}

export type Reading =
  | 'ignore'
  | 'readAccount'
  | 'readClosing'
  | 'readEntry'
  | 'readFloor'
  | 'readMessageId'
  | 'readOpening'
  | 'readOther'
  | 'readReportDate'
  | 'readStatementId'
  | 'readTotal'
