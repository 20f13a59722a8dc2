/** Classes of breaks as data (statements.md §6): what each means, what to do, who owns it, what officers may decide. */

/** What an officer proposes and another approves. */
export const breakActions = {
  APPLY_TO_INVOICE: { vi: 'Ghi có cho khoản thu', en: 'Apply to an invoice' },
  OPEN_REFUND: { vi: 'Mở hồ sơ hoàn trả', en: 'Open a refund case' },
  RECORD_REVERSAL: { vi: 'Ghi nhận ngân hàng thu hồi', en: 'Record that the bank took it back' },
  PAIR: { vi: 'Ghép các khoản đã chọn', en: 'Match the chosen items' },
  WRITE_OFF: { vi: 'Xoá chênh lệch', en: 'Write off' },
  BANK_ERROR: { vi: 'Đánh dấu lỗi ngân hàng', en: 'Mark as bank error' },
  WAIT: { vi: 'Chờ đến ngày', en: 'Wait until a day' },
  EXPLAIN: { vi: 'Đã làm rõ, không còn việc phải làm', en: 'Explained: nothing is left to do' },
} as const
export type BreakAction = keyof typeof breakActions

export type BreakClass = {
  readonly code: string
  readonly meaningVi: string
  readonly meaningEn: string
  readonly actionVi: string
  readonly actionEn: string
  /** Who is expected to take it: the finance officer, or the operator of the gateway. */
  readonly owner: 'FINANCE' | 'OPERATIONS'
  /** MONEY places items (I12). DUTY is about money that is explained: somebody still owes a message, a receipt, a file. */
  readonly about: 'MONEY' | 'DUTY'
  /** Explains itself for now and needs nobody: does not stand in the way of closing a day. */
  readonly clearsItself: boolean
  readonly actions: readonly BreakAction[]
}

export const breakClasses = [
  {
    code: 'MISSING_IN_GATEWAY',
    meaningVi: 'Tiền có trên sao kê, không có giao dịch tương ứng',
    meaningEn: 'Money in the statement, no payment known',
    actionVi: 'Ghi có cho khoản thu tìm được theo mã, hoặc hoàn trả',
    actionEn: 'Settle the invoice found by its code, or refund',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['APPLY_TO_INVOICE', 'OPEN_REFUND', 'BANK_ERROR', 'WRITE_OFF', 'WAIT'],
  },
  {
    code: 'MISSING_IN_BANK',
    meaningVi: 'Giao dịch thành công, quá hạn mà sao kê chưa có',
    meaningEn: 'Payment succeeded here, no line after its window',
    actionVi: 'Tra soát, khiếu nại với kênh thanh toán',
    actionEn: 'Inquiry, claim on the rail',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['WRITE_OFF', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'MISSING_IN_RAIL',
    meaningVi: 'Có giao dịch, có sao kê, thiếu trong tệp của kênh thanh toán',
    meaningEn: 'Known here and at the bank, missing in the settlement file',
    actionVi: 'Chờ tệp kế tiếp, sau đó khiếu nại',
    actionEn: 'Wait for the next file, then claim',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['PAIR', 'WRITE_OFF', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'MISSING_IN_STATEMENT',
    meaningVi: 'Kênh thanh toán báo đã quyết toán, sao kê chưa có',
    meaningEn: 'Settled by the rail, missing in the statement',
    actionVi: 'Chờ, sau đó khiếu nại',
    actionEn: 'Wait, then claim',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['WRITE_OFF', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'AMOUNT_MISMATCH',
    meaningVi: 'Cùng mã tham chiếu, khác số tiền',
    meaningEn: 'Same reference, different amount',
    actionVi: 'Xử lý nộp thiếu hoặc nộp thừa',
    actionEn: 'Under or over payment case',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['PAIR', 'OPEN_REFUND', 'WRITE_OFF', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'FEE_MISMATCH',
    meaningVi: 'Phí kênh thanh toán khác thoả thuận',
    meaningEn: 'Net differs by other than the agreed fee',
    actionVi: 'Khiếu nại phí',
    actionEn: 'Claim the fee',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['PAIR', 'WRITE_OFF', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'DUPLICATE_CREDIT',
    meaningVi: 'Ngân hàng ghi có hai lần một giao dịch',
    meaningEn: 'One payment credited twice',
    actionVi: 'Trả lại, mở hồ sơ hoàn trả',
    actionEn: 'Return, refund case',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['OPEN_REFUND', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'DUPLICATE_PAYMENT',
    meaningVi: 'Người nộp trả hai lần một khoản thu',
    meaningEn: 'Payer paid one invoice twice',
    actionVi: 'Hoàn trả theo hồ sơ đã mở',
    actionEn: 'Refund case',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['PAIR', 'WAIT'],
  },
  {
    code: 'STATUS_MISMATCH',
    meaningVi: 'Kênh thanh toán báo lỗi hoặc thu hồi, hệ thống ghi đã nộp, hoặc ngược lại',
    meaningEn: 'The rail says failed or reversed, we say paid, or the other way',
    actionVi: 'Xử lý theo chứng từ, hai người',
    actionEn: 'By evidence, four eyes',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['RECORD_REVERSAL', 'PAIR', 'BANK_ERROR', 'WRITE_OFF', 'WAIT'],
  },
  {
    code: 'REVERSED',
    meaningVi: 'Khoản ghi có bị thu hồi',
    meaningEn: 'Credit later taken back',
    actionVi: 'Mở lại nghĩa vụ theo quy định của cơ quan',
    actionEn: "Reopen the debt by the agency's rule",
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['RECORD_REVERSAL', 'PAIR', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'LATE',
    meaningVi: 'Tiền về sau khi khoản thu hết hạn hoặc đã huỷ',
    meaningEn: 'Money after expiry or cancel',
    actionVi: 'Theo bảng quyết định: hoàn trả hoặc ghi nhận',
    actionEn: 'Decision table: refund or accept',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['PAIR', 'WAIT'],
  },
  {
    code: 'WRONG_ACCOUNT',
    meaningVi: 'Tiền vào nhầm tài khoản thụ hưởng',
    meaningEn: "Landed on another beneficiary's account",
    actionVi: 'Lệnh chuyển tiền về đúng tài khoản',
    actionEn: 'Transfer order',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['OPEN_REFUND', 'WRITE_OFF', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'WRONG_CURRENCY',
    meaningVi: 'Không phải đồng Việt Nam, hoặc lẻ dưới một đồng',
    meaningEn: 'Not VND, or not whole đồng',
    actionVi: 'Tạm giữ',
    actionEn: 'Hold',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['WRITE_OFF', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'UNREFERENCED',
    meaningVi: 'Khoản không có mã tham chiếu dùng được',
    meaningEn: 'Movement without usable reference',
    actionVi: 'Cán bộ tra tìm',
    actionEn: 'Officer search',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['APPLY_TO_INVOICE', 'OPEN_REFUND', 'BANK_ERROR', 'WRITE_OFF', 'WAIT'],
  },
  {
    code: 'AMBIGUOUS',
    meaningVi: 'Nhiều khoản cùng phù hợp',
    meaningEn: 'Several candidates',
    actionVi: 'Cán bộ chọn',
    actionEn: 'Officer chooses',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['PAIR', 'APPLY_TO_INVOICE', 'OPEN_REFUND', 'BANK_ERROR', 'WAIT'],
  },
  {
    code: 'CUT_OFF',
    meaningVi: 'Khác ngày làm việc, chờ sao kê',
    meaningEn: 'Other business day, waiting for the statement',
    actionVi: 'Tự hết; quá hạn thành chênh lệch thật',
    actionEn: 'Clears itself, ages to a real break',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: true,
    actions: [],
  },
  {
    code: 'CASH_ON_HAND',
    meaningVi: 'Tiền mặt của ca thu, chưa đến hạn nộp ngân hàng hoặc mới nộp một phần',
    meaningEn: 'Cash of a shift, not yet due at the bank or paid in in part',
    actionVi: 'Tự hết khi nộp đủ; quá hạn thành tiền mặt chưa nộp',
    actionEn: 'Clears itself when all of it is paid in, else becomes cash that was not deposited',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: true,
    actions: ['PAIR'],
  },
  {
    code: 'CASH_NOT_DEPOSITED',
    meaningVi: 'Quá hạn mà tiền mặt của ca thu chưa vào tài khoản',
    meaningEn: 'Cash of a shift that is overdue at the bank',
    actionVi: 'Yêu cầu người giữ tiền nộp ngay; ghép với dòng nộp tiền không ghi mã',
    actionEn: 'Have it paid in; match it with a deposit that named no code',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['PAIR', 'WRITE_OFF', 'WAIT'],
  },
  {
    code: 'CASH_DIFFERENCE',
    meaningVi: 'Kiểm quỹ cuối ca thừa hoặc thiếu so với sổ',
    meaningEn: 'The cash counted at the end of a shift is not what the books say',
    actionVi: 'Làm rõ với người thu; ca thiếu tự hết khi nộp đủ tiền đã thu',
    actionEn: 'Clear it up with the clerk; a shortage ends by itself when all that was collected is paid in',
    owner: 'FINANCE',
    about: 'DUTY',
    clearsItself: false,
    actions: ['EXPLAIN', 'WAIT'],
  },
  {
    code: 'BALANCE_GAP',
    meaningVi: 'Số dư đầu khác số dư cuối kỳ trước',
    meaningEn: 'Opening is not the previous closing',
    actionVi: 'Yêu cầu ngân hàng gửi tệp còn thiếu',
    actionEn: 'Ask the bank for the missing file',
    owner: 'FINANCE',
    about: 'DUTY',
    clearsItself: false,
    actions: ['BANK_ERROR', 'WAIT'],
  },
  {
    code: 'REFUND_UNCONFIRMED',
    meaningVi: 'Đã gửi hoàn trả, chưa thấy ghi nợ',
    meaningEn: 'Refund sent, no debit seen',
    actionVi: 'Tra soát',
    actionEn: 'Inquiry',
    owner: 'FINANCE',
    about: 'MONEY',
    clearsItself: false,
    actions: ['BANK_ERROR', 'WRITE_OFF', 'WAIT'],
  },
  {
    code: 'NOT_PUSHED',
    meaningVi: 'Đã nộp, hệ thống hồ sơ chưa xác nhận',
    meaningEn: 'Settled, the dossier system never acknowledged',
    actionVi: 'Gửi lại',
    actionEn: 'Replay the delivery',
    owner: 'OPERATIONS',
    about: 'DUTY',
    clearsItself: false,
    actions: ['WAIT'],
  },
  {
    code: 'RECEIPT_MISSING',
    meaningVi: 'Đã nộp, chưa có biên lai trong ngày',
    meaningEn: 'Settled, no receipt the same local day',
    actionVi: 'Lập biên lai',
    actionEn: 'Issue it',
    owner: 'FINANCE',
    about: 'DUTY',
    clearsItself: false,
    actions: ['WAIT'],
  },
] as const satisfies readonly BreakClass[]

export type BreakCode = (typeof breakClasses)[number]['code']

/** Classes about money that stay until somebody acts: they stand in the way of closing a day, and are unexplained money in reports. */
export const unexplainedClasses: readonly BreakCode[] = breakClasses
  .filter(({ clearsItself, about }) => !clearsItself && about === 'MONEY')
  .map(({ code }) => code)

export const dutyClasses: readonly BreakCode[] = breakClasses
  .filter(({ about }) => about === 'DUTY')
  .map(({ code }) => code)

const byCode = new Map<string, BreakClass>(breakClasses.map((entry) => [entry.code, entry]))

export function breakClass(code: string): BreakClass {
  const found = byCode.get(code)
  if (found === undefined) throw new RangeError(`there is no break class ${code}`)
  return found
}
