/**
 * `MaXacThuc` of the national portal's payment platform (domain.md §8.1): lower-case hex SHA-256 of the values joined by `|`,
 * the secret last. A plain hash, so everything rests on the values: none may hold the separator.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'

/** Order of the hashed values of each message. */
export const signedFields = {
  INIT: [
    'LoaiBanTin',
    'PhienBan',
    'MaDoiTac',
    'MaThamChieu',
    'SoTien',
    'LoaiHinhThanhToan',
    'MaKenhThanhToan',
    'MaThietBi',
    'NgonNgu',
    'MaTienTe',
    'MaNganHang',
    'ThongTinGiaoDich',
    'ThoiGianGD',
    'Ip',
  ],
  RESULT: [
    'LoaiBanTin',
    'MaLoi',
    'MaDoiTac',
    'MaThamChieu',
    'SoTien',
    'MaTienTe',
    'MaGiaoDich',
    'MaNganHang',
    'ThoiGianGD',
    'ThongTinGiaoDich',
  ],
  QUERY: ['LoaiBanTin', 'PhienBan', 'MaDoiTac', 'MaThamChieu', 'ThoiGianGD'],
  ANSWER: ['MaLoi', 'MoTaLoi', 'MaDoiTac', 'MaThamChieu', 'ThoiGianGD'],
} as const

/** A value that may stand in a message: no separator, no control character. */
export const signable = z.string().regex(/^[^|\p{Cc}\p{Cf}\u2028\u2029]*$/u, 'holds a bar or a control character')

/** Thrown when a value of ours holds the separator: the message must not leave. */
export class SeparatorInValueError extends Error {
  readonly code = 'SEPARATOR_IN_VALUE'
}

/** The text that is hashed, secret last. Missing values count as empty. Throws `SeparatorInValueError`. */
export function hashedText(
  names: readonly string[],
  fields: Readonly<Record<string, string | undefined>>,
  secret: string,
): string {
  const values = names.map((name) => fields[name] ?? '')
  const bad = names.find((_, index) => values[index]?.includes('|'))
  if (bad !== undefined) throw new SeparatorInValueError(`${bad} holds the separator`)
  return [...values, secret].join('|')
}

export function authenticationCode(
  names: readonly string[],
  fields: Readonly<Record<string, string | undefined>>,
  secret: string,
): string {
  return createHash('sha256')
    .update(hashedText(names, fields, secret), 'utf8')
    .digest('hex')
}

/** Constant time over the decoded bytes; letter case of the hex does not matter (rails.md, rule 4). */
export function isAuthentic(
  given: string,
  names: readonly string[],
  fields: Readonly<Record<string, string | undefined>>,
  secret: string,
): boolean {
  if (!/^[0-9a-f]{64}$/i.test(given)) return false
  const expected = authenticationCode(names, fields, secret)
  return timingSafeEqual(Buffer.from(given, 'hex'), Buffer.from(expected, 'hex'))
}
