/** A bank app's reading of a VietQR text (rails.md §2.1, §2.5). */
import { Refused } from '../refused.ts'

export type ScannedQr = {
  readonly bankBin: string
  readonly accountNumber: string
  /** Null in a static code: the payer types it. */
  readonly amount: bigint | null
  readonly purpose: string
  readonly merchantName: string
}

/** The app cannot use this code; the message says why. */
export class UnreadableQr extends Refused {
  constructor(message: string) {
    super('UNREADABLE_QR', message)
  }
}

export function readVietQr(text: string): ScannedQr {
  const signed = text.slice(0, -4)
  if (!signed.endsWith('6304') || crc(signed) !== text.slice(-4).toUpperCase()) throw new UnreadableQr('wrong checksum')
  const root = fieldsOf(text)
  if (root.get('53') !== '704') throw new UnreadableQr('the currency is not VND')
  const template = fieldsOf(root.get('38') ?? '')
  if (template.get('00') !== 'A000000727') throw new UnreadableQr('not a NAPAS account code')
  const account = fieldsOf(template.get('01') ?? '')
  const [bankBin = '', accountNumber = ''] = [account.get('00'), account.get('01')]
  if (!/^\d{6}$/.test(bankBin) || !/^[0-9A-Za-z]{1,19}$/.test(accountNumber))
    throw new UnreadableQr('no bank account in it')
  const amount = root.get('54')
  if (amount !== undefined && !/^[1-9]\d{0,12}$/.test(amount)) throw new UnreadableQr('the amount is no number')
  return {
    bankBin,
    accountNumber,
    amount: amount === undefined ? null : BigInt(amount),
    purpose: fieldsOf(root.get('62') ?? '').get('08') ?? '',
    merchantName: root.get('59') ?? '',
  }
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (let at = 0; at < text.length; ) {
    const [, id = '', length = ''] = /^(\d\d)(\d\d)/.exec(text.slice(at)) ?? []
    const end = at + 4 + Number(length)
    if (id === '' || end > text.length) throw new UnreadableQr('a length runs past its end')
    if (fields.has(id)) throw new UnreadableQr(`field ${id} stands twice`)
    fields.set(id, text.slice(at + 4, end))
    at = end
  }
  return fields
}

/** CRC-16/CCITT-FALSE, table-free; check value of `123456789` is 29B1. */
export function crc(text: string): string {
  const sum = Buffer.from(text, 'utf8').reduce((before, byte) => {
    let value = before ^ (byte << 8)
    for (let bit = 0; bit < 8; bit++) value = ((value << 1) ^ (value & 0x8000 ? 0x1021 : 0)) & 0xffff
    return value
  }, 0xffff)
  return sum.toString(16).toUpperCase().padStart(4, '0')
}
