/** VietQR payload: EMVCo merchant-presented TLV with the NAPAS account GUID (rails.md §2.1, §2.3). */
import { foldToLatin } from '../../src/domain/fold.ts'
import { crc16 } from './crc.ts'

export const napasGuid = 'A000000727'
export const purposeMaxLength = 25

export type QrService = 'QRIBFTTA' | 'QRIBFTTC'

export type QrContent = {
  /** 6 digits. */
  readonly bankBin: string
  /** Account, virtual account or card number, up to 19 letters and digits. */
  readonly account: string
  /** Whole VND; null makes a static code. */
  readonly amount: bigint | null
  /** Folded by rails.md §2.4; left out when nothing remains. */
  readonly purpose?: string
  readonly service?: QrService
  readonly billNumber?: string
  readonly storeLabel?: string
  readonly terminalLabel?: string
  readonly merchantName?: string
  readonly merchantCity?: string
  readonly merchantCategory?: string
}

/** @throws RangeError for content that no wallet could read: a value too long, characters outside printable ASCII, a wrong bank code. */
export function buildVietQr(content: QrContent): string {
  const { bankBin, account, amount, service = 'QRIBFTTA' } = content
  if (!/^\d{6}$/.test(bankBin)) throw new RangeError('a bank code has six digits')
  if (!/^[A-Za-z0-9]{1,19}$/.test(account)) throw new RangeError('an account has 1 to 19 letters and digits')
  if (amount !== null && (amount < 1n || amount.toString().length > 13))
    throw new RangeError('the amount has 1 to 13 digits')
  const purpose = foldToLatin(content.purpose ?? '', purposeMaxLength)
  const body = [
    field('00', '01'),
    field('01', amount === null ? '11' : '12'),
    field(
      '38',
      field('00', napasGuid) + field('01', field('00', bankBin) + field('01', account)) + field('02', service),
    ),
    optional('52', content.merchantCategory, 4),
    field('53', '704'),
    amount === null ? '' : field('54', amount.toString()),
    field('58', 'VN'),
    optional('59', content.merchantName, 25),
    optional('60', content.merchantCity, 15),
    optional(
      '62',
      optional('01', content.billNumber, 25) +
        optional('03', content.storeLabel, 25) +
        optional('07', content.terminalLabel, 25) +
        optional('08', purpose, purposeMaxLength),
      99,
    ),
  ].join('')
  const unsigned = `${body}6304`
  return unsigned + crc16(unsigned)
}

function field(id: string, value: string): string {
  // Lengths count characters and the CRC counts bytes: ASCII keeps the two equal.
  if (!/^[\x20-\x7e]*$/.test(value) || value.length > 99)
    throw new RangeError(`field ${id} is too long or not plain ASCII`)
  return id + String(value.length).padStart(2, '0') + value
}

function optional(id: string, value: string | undefined, maxLength: number): string {
  if (value === undefined || value === '') return ''
  if (value.length > maxLength) throw new RangeError(`field ${id} has at most ${maxLength} characters`)
  return field(id, value)
}
