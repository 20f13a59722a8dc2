/**
 * What every parser of a code answers: the value, or one stable reason in both languages (domain.md §4).
 */
export type CodeFault =
  | 'EMPTY'
  | 'TOO_LONG'
  /** A space inside, a control or invisible character, `|`, or a letter that is not plain Latin (look-alikes included). */
  | 'FORBIDDEN_CHARACTER'
  | 'WRONG_FORMAT'
  /** The code carries a day that is not in the calendar. */
  | 'NO_SUCH_DATE'
  /** The code carries a day after tomorrow. */
  | 'DATE_IN_FUTURE'
  | 'WRONG_CHECK_DIGIT'
  /** Well formed, but no such number is ever given out. */
  | 'NEVER_ISSUED'

export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: CodeFault; readonly messageVi: string; readonly messageEn: string }

/** A code as it came and as it is compared. */
export type Code = { readonly received: string; readonly canonical: string }

/** What people call the code, to name it in messages. */
export type CodeName = { readonly vi: string; readonly en: string }

const reasons: Record<CodeFault, CodeName> = {
  EMPTY: { vi: 'để trống', en: 'is empty' },
  TOO_LONG: { vi: 'quá dài', en: 'is too long' },
  FORBIDDEN_CHARACTER: {
    vi: 'chứa ký tự không được phép (dấu cách, ký tự ẩn, dấu | hoặc chữ không thuộc bảng chữ Latin cơ bản)',
    en: 'contains a character that is not allowed (space, invisible character, | or a letter outside plain Latin)',
  },
  WRONG_FORMAT: { vi: 'không đúng mẫu', en: 'does not have the right form' },
  NO_SUCH_DATE: { vi: 'chứa ngày không có thật', en: 'carries a date that does not exist' },
  DATE_IN_FUTURE: { vi: 'chứa ngày ở tương lai', en: 'carries a date in the future' },
  WRONG_CHECK_DIGIT: { vi: 'sai chữ số kiểm tra', en: 'has a wrong check digit' },
  NEVER_ISSUED: { vi: 'là số không được cấp', en: 'is a number that is never issued' },
}

export function refused(name: CodeName, code: CodeFault): Parsed<never> {
  const reason = reasons[code]
  return { ok: false, code, messageVi: `${name.vi} ${reason.vi}`, messageEn: `${name.en} ${reason.en}` }
}
