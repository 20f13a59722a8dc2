/** Tells formats apart by content; the name of a file only decides where content cannot. */

export type ReaderName = 'mt940' | 'camt' | 'csv' | 'xlsx'

/** Bytes `detectFormat` wants to see; it makes do with fewer. */
export const detectionBytes = 4_096

/** Null when no reader fits: a spreadsheet of the old binary kind, XML of another message, bytes that are no text. */
export function detectFormat(head: Uint8Array, fileName: string): ReaderName | null {
  if (head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4) return 'xlsx'
  if (head[0] === 0xd0 && head[1] === 0xcf && head[2] === 0x11 && head[3] === 0xe0) return null
  const utf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff) || head[1] === 0
  // Latin-1 keeps every byte; dropping zeros makes UTF-16 of Latin text readable enough.
  const text = Buffer.from(head)
    .toString('latin1')
    .replace(utf16 ? /\0/g : /$^/, '')
    .replace(/^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, '')
  if (/^\s*</.test(text)) return /camt\.05[234]|BkToCstmr/.test(text) ? 'camt' : null
  if (!utf16 && /(?:^|[\r\n])\s*(?:\{[1-4]:|:(?:\d{2}[A-Z]?|NS):)/.test(text)) return 'mt940'
  if (/\.(?:csv|tsv|txt)$/i.test(fileName) && (utf16 || !text.includes('\0'))) return 'csv'
  return null
}
