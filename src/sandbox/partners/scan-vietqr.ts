/** A wallet's reading of a VietQR text (rails.md §2.1, §2.5). */
export type ScannedQr = {
  readonly bankBin: string
  readonly account: string
  /** Null in a static code: the payer types it. */
  readonly amount: bigint | null
  readonly purpose: string
}

/** The app cannot use this code; the message is for the payer. */
export class BrokenQr extends Error {
  readonly code = 'BROKEN_QR'
}

export function scanVietQr(text: string): ScannedQr {
  const covered = text.slice(0, -4)
  if (!covered.endsWith('6304') || crcOf(covered) !== text.slice(-4).toUpperCase())
    throw new BrokenQr('Mã QR hỏng / Broken QR (CRC)')
  const root = read(text)
  const merchant = read(root.get('38') ?? '')
  const target = read(merchant.get('01') ?? '')
  const [bankBin = '', account = '', amount] = [target.get('00'), target.get('01'), root.get('54')]
  if (root.get('53') !== '704' || merchant.get('00') !== 'A000000727' || !/^\d{6}$/.test(bankBin) || account === '')
    throw new BrokenQr('Không phải VietQR / Not a VietQR')
  if (amount !== undefined && !/^[1-9]\d{0,12}$/.test(amount)) throw new BrokenQr('Sai số tiền / Bad amount')
  return {
    bankBin,
    account,
    amount: amount === undefined ? null : BigInt(amount),
    purpose: read(root.get('62') ?? '').get('08') ?? '',
  }
}

/** EMVCo: two digits of id, two of length, the value. */
function read(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (let at = 0; at < text.length; ) {
    const [, id = '', length = ''] = /^(\d\d)(\d\d)/.exec(text.slice(at, at + 4)) ?? []
    const end = at + 4 + Number(length)
    if (id === '' || end > text.length || fields.has(id)) throw new BrokenQr('Mã QR hỏng / Broken QR')
    fields.set(id, text.slice(at + 4, end))
    at = end
  }
  return fields
}

/** CRC-16/CCITT-FALSE. */
function crcOf(text: string): string {
  let value = 0xffff
  for (const byte of Buffer.from(text)) {
    value ^= byte << 8
    for (let bit = 0; bit < 8; bit++) value = value & 0x8000 ? ((value << 1) ^ 0x1021) & 0xffff : (value << 1) & 0xffff
  }
  return value.toString(16).toUpperCase().padStart(4, '0')
}
