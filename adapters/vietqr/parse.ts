/** Reading a VietQR payload (rails.md §2.5). A QR is not signed: whoever acts on it compares bank, account and amount with the invoice. */
import { napasGuid, type QrService } from './build.ts'
import { crc16 } from './crc.ts'

export type QrReading =
  | {
      readonly ok: true
      /** `11` static, `12` dynamic. */
      readonly initMethod: string
      readonly bankBin: string
      readonly account: string
      readonly amount: bigint | null
      readonly purpose: string | null
      readonly billNumber: string | null
      readonly service: QrService
    }
  | {
      readonly ok: false
      readonly reason: 'too short' | 'crc' | 'length' | 'repeated' | 'currency' | 'guid' | 'amount'
    }

const shortest = 12
const longest = 512

export function parseVietQr(payload: string): QrReading {
  if (payload.length < shortest) return { ok: false, reason: 'too short' }
  if (payload.length > longest) return { ok: false, reason: 'length' }
  if (payload.slice(-8, -4) !== '6304' || crc16(payload.slice(0, -4)) !== payload.slice(-4).toUpperCase())
    return { ok: false, reason: 'crc' }
  const root = readFields(payload)
  if (typeof root === 'string') return { ok: false, reason: root }
  if (root.get('53') !== '704') return { ok: false, reason: 'currency' }
  const account = readFields(root.get('38') ?? '')
  const target = typeof account === 'string' ? account : readFields(account.get('01') ?? '')
  const additional = readFields(root.get('62') ?? '')
  if (typeof account === 'string' || typeof target === 'string' || typeof additional === 'string')
    return { ok: false, reason: 'length' }
  const service = account.get('02')
  const bankBin = target.get('00')
  const number = target.get('01')
  if (
    account.get('00') !== napasGuid ||
    bankBin === undefined ||
    number === undefined ||
    (service !== 'QRIBFTTA' && service !== 'QRIBFTTC')
  ) {
    return { ok: false, reason: 'guid' }
  }
  const amount = root.get('54')
  if (amount !== undefined && !/^[1-9]\d{0,12}$/.test(amount)) return { ok: false, reason: 'amount' }
  return {
    ok: true,
    initMethod: root.get('01') ?? '',
    bankBin,
    account: number,
    amount: amount === undefined ? null : BigInt(amount),
    purpose: additional.get('08') ?? null,
    billNumber: additional.get('01') ?? null,
    service,
  }
}

function readFields(text: string): Map<string, string> | 'length' | 'repeated' {
  const fields = new Map<string, string>()
  for (let at = 0; at < text.length; ) {
    const id = text.slice(at, at + 2)
    const digits = text.slice(at + 2, at + 4)
    const value = text.slice(at + 4, at + 4 + Number(digits))
    if (!/^\d{2}$/.test(id) || !/^\d{2}$/.test(digits) || value.length !== Number(digits)) return 'length'
    if (fields.has(id)) return 'repeated'
    fields.set(id, value)
    at += 4 + value.length
  }
  return fields
}
