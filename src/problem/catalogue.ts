/**
 * Every error the outside can see: stable code, HTTP status, what happened and what to do, in Vietnamese and English.
 * Codes are promises: never rename one, never reuse one. docs/errors.md is generated from this table.
 */
export type ProblemEntry = {
  readonly status: number
  readonly titleVi: string
  readonly titleEn: string
  readonly actionVi: string
  readonly actionEn: string
}

const fixRequest = {
  actionVi: 'Sửa yêu cầu theo mục errors rồi gửi lại.',
  actionEn: 'Mend the request as listed in errors and send it again.',
}
const comeAgain = {
  actionVi: 'Gửi lại đúng yêu cầu này sau số giây ở Retry-After.',
  actionEn: 'Send this same request again after Retry-After seconds.',
}

export const problemCatalogue = {
  // Shape of the request
  INVALID_REQUEST: { status: 400, titleVi: 'Yêu cầu không hợp lệ', titleEn: 'The request is not valid', ...fixRequest },
  INVALID_JSON: {
    status: 400,
    titleVi: 'Nội dung không phải JSON hợp lệ',
    titleEn: 'The body is not valid JSON',
    actionVi: 'Gửi một đối tượng JSON mã hoá UTF-8, không lặp khoá.',
    actionEn: 'Send one JSON object in UTF-8 without repeated keys.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    titleVi: 'Nội dung quá lớn',
    titleEn: 'The body is too large',
    actionVi: 'Chia nhỏ yêu cầu.',
    actionEn: 'Split the request.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    titleVi: 'Kiểu nội dung không được hỗ trợ',
    titleEn: 'The content type is not supported',
    actionVi: 'Gửi Content-Type: application/json.',
    actionEn: 'Send Content-Type: application/json.',
  },
  NOT_FOUND: {
    status: 404,
    titleVi: 'Không tìm thấy',
    titleEn: 'Not found',
    actionVi: 'Kiểm tra lại địa chỉ và mã.',
    actionEn: 'Check the address and the id.',
  },
  // Who is calling
  UNAUTHENTICATED: {
    status: 401,
    titleVi: 'Chưa xác thực',
    titleEn: 'Not authenticated',
    actionVi: 'Lấy token mới tại /oauth/token.',
    actionEn: 'Get a new token at /oauth/token.',
  },
  FORBIDDEN: {
    status: 403,
    titleVi: 'Không có quyền',
    titleEn: 'Not allowed',
    actionVi: 'Xin quyền (scope) hoặc vai trò cần thiết.',
    actionEn: 'Ask for the scope or role that this needs.',
  },
  CLIENT_CERTIFICATE_REFUSED: {
    status: 403,
    titleVi: 'Chứng thư số của bên gọi không được chấp nhận',
    titleEn: 'The client certificate is not accepted',
    actionVi: 'Kết nối bằng chứng thư số còn hạn, đúng mục đích, do tổ chức đã đăng ký cấp.',
    actionEn: 'Connect with a certificate that is valid, made for clients, and issued by a registered authority.',
  },
  RATE_LIMITED: { status: 429, titleVi: 'Quá nhiều yêu cầu', titleEn: 'Too many requests', ...comeAgain },
  // Repeats
  IDEMPOTENCY_KEY_MISSING: {
    status: 400,
    titleVi: 'Thiếu Idempotency-Key',
    titleEn: 'Idempotency-Key is missing',
    actionVi: 'Gửi kèm header Idempotency-Key (1–255 ký tự ASCII), mỗi thao tác một khoá.',
    actionEn: 'Send an Idempotency-Key header (1–255 ASCII characters), one per operation.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    titleVi: 'Idempotency-Key đã dùng cho yêu cầu khác',
    titleEn: 'The Idempotency-Key was used for another request',
    actionVi: 'Dùng khoá mới cho yêu cầu mới.',
    actionEn: 'Use a new key for a new request.',
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    titleVi: 'Yêu cầu cùng khoá đang được xử lý',
    titleEn: 'A request with this key is still running',
    ...comeAgain,
  },
  // Invoices
  UNKNOWN_AGENCY: {
    status: 422,
    titleVi: 'Cơ quan không có trong danh mục',
    titleEn: 'The agency is not on record',
    ...fixRequest,
  },
  AGENCY_NOT_YOURS: {
    status: 403,
    titleVi: 'Cơ quan không thuộc phạm vi của bạn',
    titleEn: 'The agency is not yours',
    actionVi: 'Chỉ lập khoản thu cho cơ quan được giao.',
    actionEn: 'Issue only for agencies assigned to you.',
  },
  NO_BENEFICIARY_ACCOUNT: {
    status: 422,
    titleVi: 'Cơ quan chưa có tài khoản thụ hưởng',
    titleEn: 'The agency has no beneficiary account',
    actionVi: 'Khai báo tài khoản thụ hưởng trước khi lập khoản thu.',
    actionEn: 'Register a beneficiary account first.',
  },
  UNKNOWN_PROCEDURE: {
    status: 422,
    titleVi: 'Thủ tục không có trong danh mục phí',
    titleEn: 'The procedure is not in the fee catalogue',
    ...fixRequest,
  },
  FEE_REFUSED: { status: 422, titleVi: 'Không tính được phí', titleEn: 'The fee cannot be computed', ...fixRequest },
  PRICE_MISMATCH: {
    status: 422,
    titleVi: 'Số tiền không khớp danh mục phí',
    titleEn: 'The amount differs from the fee catalogue',
    actionVi: 'Dùng số tiền do hệ thống tính hoặc nạp danh mục mới.',
    actionEn: 'Use the computed amount or load the new catalogue.',
  },
  INVOICE_ALREADY_OPEN: {
    status: 409,
    titleVi: 'Khoản thu này đang mở',
    titleEn: 'An invoice for these obligations is open',
    actionVi: 'Dùng khoản thu đang mở, thay thế hoặc huỷ nó.',
    actionEn: 'Use the open invoice, supersede it or cancel it.',
  },
  INVOICE_NOT_OPEN: {
    status: 409,
    titleVi: 'Khoản thu không còn mở',
    titleEn: 'The invoice is not open',
    actionVi: 'Xem trạng thái khoản thu.',
    actionEn: 'Look at the status of the invoice.',
  },
  INVOICE_BEING_PAID: {
    status: 409,
    titleVi: 'Khoản thu đang có giao dịch chưa xong',
    titleEn: 'A payment of this invoice is under way',
    actionVi: 'Chờ giao dịch kết thúc rồi thử lại.',
    actionEn: 'Wait for the payment to end and try again.',
  },
  RETURN_URL_NOT_ALLOWED: {
    status: 422,
    titleVi: 'returnUrl không thuộc địa chỉ đã đăng ký',
    titleEn: 'returnUrl is not at a registered origin',
    ...fixRequest,
  },
  AGENCY_CERTIFICATE_MISSING: {
    status: 409,
    titleVi: 'Cơ quan chưa có chứng thư số để ký',
    titleEn: 'The agency has no certificate to sign with',
    actionVi: 'Nạp chứng thư số (PKCS#12) của cơ quan rồi thử lại; chữ ký JWS của khoản thu vẫn dùng được.',
    actionEn: "Import the agency's certificate (PKCS#12) and try again; the invoice's JWS is valid all the same.",
  },
  // Payments
  RAIL_NOT_OFFERED: {
    status: 422,
    titleVi: 'Kênh thanh toán không dùng được cho khoản thu này',
    titleEn: 'This rail is not offered for this invoice',
    actionVi: 'Chọn kênh khác.',
    actionEn: 'Choose another rail.',
  },
  RAIL_REFUSED: {
    status: 422,
    titleVi: 'Ngân hàng từ chối giao dịch',
    titleEn: 'The bank refused the payment',
    actionVi: 'Thử lại hoặc chọn kênh khác.',
    actionEn: 'Try again or choose another rail.',
  },
  RAIL_UNAVAILABLE: {
    status: 503,
    titleVi: 'Ngân hàng tạm thời không trả lời',
    titleEn: 'The bank does not answer for now',
    actionVi: 'Chọn kênh khác hoặc thử lại sau.',
    actionEn: 'Choose another rail or try later.',
  },
  ONE_TIME_CODE_WRONG: {
    status: 422,
    titleVi: 'Mã OTP không đúng',
    titleEn: 'The one-time code is wrong',
    actionVi: 'Nhập lại mã trong tin nhắn của ngân hàng.',
    actionEn: 'Enter the code of the bank message again.',
  },
  PAYMENT_NOT_OPEN: {
    status: 409,
    titleVi: 'Giao dịch đã kết thúc',
    titleEn: 'The payment attempt is over',
    actionVi: 'Bắt đầu giao dịch mới nếu khoản thu chưa được thanh toán.',
    actionEn: 'Start a new attempt if the invoice is not paid.',
  },
  RECEIPT_FILE_NOT_READY: {
    status: 409,
    titleVi: 'Chưa có tệp biên lai của kênh thanh toán',
    titleEn: 'The rail has no receipt file yet',
    actionVi: 'Thử lại sau khi giao dịch thành công.',
    actionEn: 'Try again once the payment has succeeded.',
  },
  // The counter
  SHIFT_ALREADY_OPEN: {
    status: 409,
    titleVi: 'Bạn đang có ca chưa đóng',
    titleEn: 'You have an open shift',
    actionVi: 'Dùng ca đang mở hoặc đóng ca đó trước.',
    actionEn: 'Use the open shift, or close it first.',
  },
  SHIFT_NOT_OPEN: {
    status: 409,
    titleVi: 'Chưa mở ca thu tiền',
    titleEn: 'No shift is open',
    actionVi: 'Mở ca tại quầy của bạn rồi thu tiền.',
    actionEn: 'Open a shift at your counter, then take money.',
  },
  SHIFT_HAS_OPEN_CORRECTIONS: {
    status: 409,
    titleVi: 'Ca còn yêu cầu điều chỉnh chưa xử lý',
    titleEn: 'The shift has corrections nobody has decided',
    actionVi: 'Duyệt, từ chối hoặc rút các yêu cầu điều chỉnh rồi đóng ca.',
    actionEn: 'Have the corrections approved, rejected or withdrawn, then close the shift.',
  },
  CASH_DIFFERENCE_UNEXPLAINED: {
    status: 422,
    titleVi: 'Tiền đếm được khác sổ, chưa ghi lý do',
    titleEn: 'The cash differs from the books and no reason is given',
    actionVi: 'Đếm lại; nếu vẫn lệch, ghi lý do vào note.',
    actionEn: 'Count again; if it still differs, give the reason in note.',
  },
  CASH_NOT_ENOUGH: {
    status: 422,
    titleVi: 'Tiền mặt nhận được ít hơn số phải nộp',
    titleEn: 'Less cash than is owed',
    actionVi: 'Nhận đủ tiền; không thu từng phần.',
    actionEn: 'Take all that is owed; parts are not taken.',
  },
  CORRECTION_NOT_OPEN: {
    status: 409,
    titleVi: 'Khoản thu đã có điều chỉnh hoặc điều chỉnh đã được quyết định',
    titleEn: 'The collection has a correction, or the correction is decided',
    actionVi: 'Xem trạng thái điều chỉnh.',
    actionEn: 'Look at the status of the correction.',
  },
  CORRECTION_TOO_LATE: {
    status: 409,
    titleVi: 'Không còn điều chỉnh được tại quầy',
    titleEn: 'It can no longer be corrected at the counter',
    actionVi: 'Tiền không còn trong ngăn: đề nghị hoàn tiền.',
    actionEn: 'The cash is no longer in the drawer: ask for a refund.',
  },
  // Receipts
  RECEIPT_ALREADY_ISSUED: {
    status: 409,
    titleVi: 'Biên lai đã được lập',
    titleEn: 'The receipt is issued',
    actionVi: 'Xem biên lai; nếu sai, lập biên lai điều chỉnh hoặc thay thế.',
    actionEn: 'Look at the receipt; if it is wrong, adjust or replace it.',
  },
  RECEIPT_NOT_REPLACEABLE: {
    status: 409,
    titleVi: 'Biên lai không thể thay thế',
    titleEn: 'The receipt cannot be replaced',
    actionVi: 'Chỉ thay thế được biên lai đã lập, chưa bị điều chỉnh hoặc thay thế.',
    actionEn: 'Only a receipt that is issued and neither adjusted nor replaced can be replaced.',
  },
  // Refunds
  INVOICE_NOT_PAID: {
    status: 409,
    titleVi: 'Khoản thu chưa được thanh toán',
    titleEn: 'The invoice is not paid',
    actionVi: 'Chỉ hoàn được khoản đã thu.',
    actionEn: 'Only what was collected can be given back.',
  },
  REFUND_NOT_ALLOWED: {
    status: 422,
    titleVi: 'Quy định của khoản thu không cho hoàn vì lý do này',
    titleEn: 'The rule of this fee does not allow a refund for this reason',
    actionVi: 'Xem quy định hoàn của từng khoản trong mục errors.',
    actionEn: 'See the refund rule of each line in errors.',
  },
  REFUND_TAX_LAW: {
    status: 422,
    titleVi: 'Tiền thuế chỉ do cơ quan thuế bù trừ hoặc hoàn trả',
    titleEn: 'Only the tax authority sets off or returns a tax',
    actionVi: 'Hướng dẫn người nộp theo thủ tục trong mục detail.',
    actionEn: 'Hand the payer the procedure in detail.',
  },
  REFUND_EXCEEDS_PAID: {
    status: 409,
    titleVi: 'Số tiền hoàn vượt số còn lại của khoản đã nộp',
    titleEn: 'The refund exceeds what is left of the payment',
    actionVi: 'Xem các yêu cầu hoàn đã có và số còn lại.',
    actionEn: 'Look at the refunds there are and at what is left.',
  },
  REFUND_CHANNEL_NOT_OFFERED: {
    status: 422,
    titleVi: 'Không hoàn được qua kênh này',
    titleEn: 'This refund cannot take this channel',
    actionVi: 'Chọn kênh khác.',
    actionEn: 'Choose another channel.',
  },
  REFUND_INCOMPLETE: {
    status: 409,
    titleVi: 'Yêu cầu hoàn chưa đủ thông tin',
    titleEn: 'The refund request is not complete',
    actionVi: 'Bổ sung theo mục detail rồi trình duyệt lại.',
    actionEn: 'Complete it as said in detail, then have it approved.',
  },
  REFUND_WRONG_STATE: {
    status: 409,
    titleVi: 'Trạng thái của yêu cầu hoàn không cho phép thao tác này',
    titleEn: 'The state of the refund does not allow this',
    actionVi: 'Xem trạng thái và lịch sử của yêu cầu hoàn.',
    actionEn: 'Look at the state and the history of the refund.',
  },
  FOUR_EYES: {
    status: 403,
    titleVi: 'Phải do người khác thực hiện',
    titleEn: 'Another person must do this',
    actionVi: 'Chuyển cho người có thẩm quyền khác.',
    actionEn: 'Pass it to another person who may.',
  },
  NOTHING_TO_PAY_OUT: {
    status: 409,
    titleVi: 'Không có khoản hoàn nào chờ chi',
    titleEn: 'No refund waits to be paid out',
    actionVi: 'Duyệt yêu cầu hoàn trước khi lập lệnh chi.',
    actionEn: 'Approve refunds first, then make the order.',
  },
  // Webhooks
  WEBHOOK_URL_NOT_ALLOWED: {
    status: 422,
    titleVi: 'Địa chỉ webhook không được phép',
    titleEn: 'The webhook address is not allowed',
    actionVi: 'Dùng địa chỉ https công khai.',
    actionEn: 'Use a public https address.',
  },
  // Reconciliation
  STATEMENT_FILE_LOADING: {
    status: 409,
    titleVi: 'Tệp đang được nạp',
    titleEn: 'The file is being loaded',
    ...comeAgain,
  },
  STATEMENT_NOT_SIGNED: {
    status: 422,
    titleVi: 'Tệp không có chữ ký hợp lệ của ngân hàng',
    titleEn: 'The file is not signed by its bank',
    actionVi: 'Gửi kèm chữ ký CMS (.p7s) của ngân hàng cho đúng tệp này.',
    actionEn: "Send the bank's CMS signature (.p7s) of exactly this file along.",
  },
  STATEMENT_SOURCE_UNKNOWN: {
    status: 422,
    titleVi: 'Nguồn sao kê chưa được khai báo',
    titleEn: 'The statement source is not on record',
    ...fixRequest,
  },
  RECONCILIATION_RUNNING: {
    status: 409,
    titleVi: 'Đang đối soát',
    titleEn: 'A reconciliation run is under way',
    ...comeAgain,
  },
  BREAK_NOT_OPEN: {
    status: 409,
    titleVi: 'Chênh lệch không còn mở',
    titleEn: 'The break is not open',
    actionVi: 'Xem lịch sử của chênh lệch.',
    actionEn: 'Look at the history of the break.',
  },
  RESOLUTION_PENDING: {
    status: 409,
    titleVi: 'Đã có đề xuất xử lý đang chờ duyệt',
    titleEn: 'A resolution of this break waits for approval',
    actionVi: 'Duyệt, từ chối hoặc rút đề xuất đó trước.',
    actionEn: 'Approve, reject or withdraw that one first.',
  },
  RESOLUTION_NOT_ALLOWED: {
    status: 422,
    titleVi: 'Không xử lý được theo cách này',
    titleEn: 'The break cannot be resolved this way',
    actionVi: 'Chọn cách xử lý được phép cho loại chênh lệch này.',
    actionEn: 'Choose an action that this class of break allows.',
  },
  RESOLUTION_NOT_PENDING: {
    status: 409,
    titleVi: 'Đề xuất không còn chờ duyệt',
    titleEn: 'The resolution does not wait for a decision',
    actionVi: 'Xem lịch sử của chênh lệch.',
    actionEn: 'Look at the history of the break.',
  },
  DAY_NOT_CLOSABLE: {
    status: 409,
    titleVi: 'Chưa khoá được ngày',
    titleEn: 'The day cannot be closed',
    actionVi: 'Khoá theo thứ tự ngày, sau khi đối soát, không khoá ngày hôm nay.',
    actionEn: 'Close days in order, after reconciling them, and never today.',
  },
  DAY_HAS_OPEN_BREAKS: {
    status: 409,
    titleVi: 'Ngày còn tiền chưa giải thích',
    titleEn: 'Money of the day is not explained',
    actionVi: 'Xử lý các chênh lệch còn mở, hoặc nêu lý do để người khác duyệt.',
    actionEn: 'Resolve the open breaks, or give a reason for another person to approve.',
  },
  // Our side
  UNAVAILABLE: {
    status: 503,
    titleVi: 'Hệ thống tạm thời gián đoạn',
    titleEn: 'The service is not available for now',
    ...comeAgain,
  },
  OVERLOADED: { status: 503, titleVi: 'Hệ thống đang quá tải', titleEn: 'The service is overloaded', ...comeAgain },
  INTERNAL: {
    status: 500,
    titleVi: 'Lỗi hệ thống',
    titleEn: 'Internal error',
    actionVi: 'Gửi lại yêu cầu; nếu còn lỗi, báo mã X-Request-Id.',
    actionEn: 'Send the request again; if it fails again, report the X-Request-Id.',
  },
} as const satisfies Record<string, ProblemEntry>

export type ProblemCode = keyof typeof problemCatalogue
