/** VietinBank's texts and fields as the bank itself reads and writes them (rails.md §3.1, §3.3). */

export type Fields = Readonly<Record<string, string>>

const common = ['providerId', 'merchantId', 'channel', 'version', 'language', 'mac']

/** What the partner signs in each call, in this order, without separators. */
export const calls: Readonly<Record<'paymentByOTP' | 'verifyPin' | 'transactionInquiry', readonly string[]>> = {
  paymentByOTP: [
    ...[
      'token',
      'tokenIssueDate',
      'amount',
      'currencyCode',
      'transTime',
      'clientIP',
      'payMethod',
      'goodsType',
      'billNo',
    ],
    'remark',
    ...common,
  ],
  verifyPin: ['otp', 'verifyTransactionId', 'verifyBy', 'transTime', 'clientIP', 'requestId', ...common],
  transactionInquiry: ['queryTransactionId', 'queryType', ...common],
}
export type VietinbankCall = keyof typeof calls

export function isCall(name: string): name is VietinbankCall {
  return Object.hasOwn(calls, name)
}

export function callText(call: VietinbankCall, fields: Fields): string {
  return calls[call].map((name) => fields[name] ?? '').join('')
}

const longest: Readonly<Record<string, number>> = {
  ...{ token: 20, otp: 20, queryTransactionId: 20, requestId: 12, verifyTransactionId: 12, verifyBy: 12 },
  ...{
    tokenIssueDate: 6,
    queryType: 6,
    channel: 15,
    amount: 30,
    currencyCode: 30,
    payMethod: 30,
    goodsType: 30,
    billNo: 30,
  },
  ...{ mac: 30, language: 3, transTime: 14, clientIP: 16, remark: 100 },
}

/** A call's body as texts; null when a signed field is missing, no text, or too long. */
export function readCall(call: VietinbankCall, body: Readonly<Record<string, unknown>>): Fields | null {
  const fields: Record<string, string> = {}
  for (const name of [...calls[call], 'requestId', 'signature']) {
    const value = body[name]
    if (typeof value !== 'string' || value.length > (longest[name] ?? 4_000)) return null
    fields[name] = value
  }
  return /^\d{1,12}$/.test(fields.requestId ?? '') ? fields : null
}

/** What the bank signs in every answer. */
export function answerText(requestId: string, providerId: string, merchantId: string, code: string): string {
  return requestId + providerId + merchantId + code
}

/** What the bank signs in a credit notice; absent fields are skipped. */
export function noticeText(notice: Fields): string {
  return ['transId', 'transTime', 'custCode', 'amount', 'bankTransId', 'remark']
    .map((name) => notice[name] ?? '')
    .join('')
}

/** What the partner signs in its answer to a notice. */
export function noticeAnswerText(transId: string, errorCode: string, errorDesc: string): string {
  return transId + errorCode + errorDesc
}

/** What the bank signs when it asks for a bill (rails.md §3.2). */
export function inquiryText(data: Fields): string {
  return ['transId', 'transTime', 'custCode'].map((name) => data[name] ?? '').join('')
}

/** What the partner signs in its answer to that; null counts as empty. */
export function inquiryAnswerText(details: Readonly<Record<string, string | null>>, errorCode: string): string {
  const names = ['transId', 'transTime', 'custCode', 'custName', 'billId', 'amount']
  return names.map((name) => details[name] ?? '').join('') + errorCode
}

/** What the bank signs when it takes a payment back; our own extension. */
export function reversalText(reversal: Fields): string {
  return ['transId', 'orgTransId', 'transTime', 'amount', 'reason'].map((name) => reversal[name] ?? '').join('')
}
