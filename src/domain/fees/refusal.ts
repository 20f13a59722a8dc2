/** Why a price is refused. A fee is never guessed: the refusal says what to send instead. Codes are promises. */
const refusals = {
  WRONG_PROCEDURE: {
    vi: 'Thủ tục {procedureCode} không có trong phần danh mục đang dùng',
    en: 'Procedure {procedureCode} is not in this part of the catalogue',
  },
  NO_SUCH_DATE: { vi: 'Ngày {date} không có thật', en: 'There is no day {date}' },
  SUBMITTED_AFTER_ISSUE: {
    vi: 'Ngày nộp hồ sơ {submittedOn} sau ngày lập khoản thu {issuedOn}',
    en: 'The dossier was submitted on {submittedOn}, after the invoice day {issuedOn}',
  },
  NO_ITEMS: { vi: 'Không có khoản phí nào', en: 'There is no item' },
  UNKNOWN_SERVICE_CASE: {
    vi: 'Trường hợp {serviceCase} không có trong danh mục của thủ tục; các trường hợp: {known}',
    en: 'Case {serviceCase} is not in the catalogue of the procedure; cases: {known}',
  },
  UNKNOWN_AREA: {
    vi: 'Khu vực {area} không có trong danh mục của thủ tục; các khu vực: {known}',
    en: 'Area {area} is not in the catalogue of the procedure; areas: {known}',
  },
  UNKNOWN_RATE: { vi: 'Mức thu {rate} không có trong danh mục', en: 'Rate {rate} is not in the catalogue' },
  UNKNOWN_FEE: { vi: 'Khoản phí {fee} không có trong danh mục', en: 'Fee {fee} is not in the catalogue' },
  RATE_NOT_YET_VALID: {
    vi: 'Mức thu {rate} chỉ có hiệu lực từ {validFrom}; ngày tính phí là {date}',
    en: 'Rate {rate} is in force only from {validFrom}; the price is of {date}',
  },
  RATE_EXPIRED: {
    vi: 'Mức thu {rate} đã hết hiệu lực sau {validTo}; ngày tính phí là {date}',
    en: 'Rate {rate} was in force only until {validTo}; the price is of {date}',
  },
  RATE_NOT_APPLICABLE: {
    vi: 'Mức thu {rate} không áp dụng: thông tin {unmet} thiếu hoặc không khớp',
    en: 'Rate {rate} does not apply: {unmet} is missing or different',
  },
  RATE_OVERRIDDEN: {
    vi: 'Mức thu {rate} nhường cho mức cụ thể hơn {expected}',
    en: 'Rate {rate} gives way to the more specific {expected}',
  },
  RATE_AMBIGUOUS: {
    vi: 'Các mức thu {rates} cùng khớp, không mức nào cụ thể hơn; danh mục cần được làm rõ',
    en: 'Rates {rates} all fit and none is more specific than the others; the catalogue must be made clear',
  },
  QUANTITY_NOT_ALLOWED: {
    vi: 'Số lượng phải là số nguyên từ 1 đến {most} và là 1 với phí theo tỷ lệ',
    en: 'The quantity must be a whole number from 1 to {most}, and 1 for a fee by percentage',
  },
  COPIES_NOT_ALLOWED: {
    vi: 'Số bản chỉ dùng với phí theo trang, là số nguyên từ 1 đến {most}',
    en: 'Copies go only with fees by page, as a whole number from 1 to {most}',
  },
  BASE_AMOUNT_REQUIRED: {
    vi: 'Phí theo tỷ lệ {rate} cần giá trị tính phí (baseAmount)',
    en: 'Rate {rate} is a percentage: baseAmount is needed',
  },
  BASE_AMOUNT_NOT_ALLOWED: {
    vi: 'Giá trị tính phí (baseAmount) chỉ dùng với phí theo tỷ lệ và phải từ 1 đến {most}',
    en: 'baseAmount goes only with a percentage and must be from 1 to {most}',
  },
  DECISION_REQUIRED: {
    vi: 'Khoản {rate} chỉ thu theo thông báo hoặc quyết định của cơ quan có thẩm quyền',
    en: 'Rate {rate} is collected only under a notice or decision of the authority',
  },
  DECISION_INVALID: {
    vi: 'Thông báo hoặc quyết định không hợp lệ: {problemVi}',
    en: 'The notice or decision is not valid: {problemEn}',
  },
  AMOUNT_TOO_LARGE: { vi: 'Số tiền vượt quá {most} đồng', en: 'The amount is above {most} VND' },
} as const

export type FeeFault = keyof typeof refusals

export type FeeRefusal = {
  readonly ok: false
  readonly code: FeeFault
  /** Line the fault is in, from 1; null when it is not in one line. */
  readonly lineNo: number | null
  /** The values named in the messages. */
  readonly facts: Readonly<Record<string, string>>
  readonly messageVi: string
  readonly messageEn: string
}

export function refuse(
  code: FeeFault,
  facts: Readonly<Record<string, string>>,
  lineNo: number | null = null,
): FeeRefusal {
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, key: string) => facts[key] ?? '–')
  return { ok: false, code, lineNo, facts, messageVi: fill(refusals[code].vi), messageEn: fill(refusals[code].en) }
}
