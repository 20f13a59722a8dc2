/** VNPAY's transaction API, `querydr` and `refund` (rails.md §1.4, §1.5): verifies the request, answers signed. */
import { compactTime, readCompactTime } from '../bank-time.ts'
import { wrongBy } from '../behaviour.ts'
import { spoilHex } from '../mac.ts'
import type { VnpayBank } from './vnpay.ts'
import type { VnpayTransaction } from './vnpay-order.ts'
import { barText, type Fields, hashOf, isSigned, responseTexts } from './vnpay-wire.ts'

type Command = 'querydr' | 'refund'
type Result = { readonly code: string; readonly fields?: Fields }

/** The signed answer to one request body; null when the body is none of this API's. */
export function answerApi(bank: VnpayBank, body: Readonly<Record<string, unknown>>): Record<string, string> | null {
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(body)) {
    if (typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value)))
      fields[name] = String(value)
  }
  const command = fields.vnp_Command
  if (command !== 'querydr' && command !== 'refund') return null
  return signed(bank, command, fields, command === 'querydr' ? query(bank, fields) : refund(bank, fields))
}

/** Null when the request may be looked at. */
function refusal(bank: VnpayBank, command: Command, fields: Fields): string | null {
  if (fields.vnp_TmnCode !== bank.config.tmnCode) return '02'
  if (!isSigned(barText(command, fields), fields.vnp_SecureHash, bank.config.hashSecret)) return '97'
  const {
    vnp_RequestId = '',
    vnp_CreateDate = '',
    vnp_TransactionDate = '',
    vnp_Version,
    vnp_IpAddr,
    vnp_OrderInfo,
  } = fields
  const isFormed =
    /^[A-Za-z0-9]{1,32}$/.test(vnp_RequestId) &&
    vnp_Version === '2.1.0' &&
    readCompactTime(vnp_CreateDate) !== null &&
    readCompactTime(vnp_TransactionDate) !== null &&
    vnp_IpAddr !== undefined &&
    vnp_OrderInfo !== undefined
  if (!isFormed) return '03'
  return bank.isNewRequest(vnp_RequestId) ? null : '94'
}

function find(bank: VnpayBank, fields: Fields): VnpayTransaction | null {
  const found = bank.transactions.get(fields.vnp_TxnRef ?? '')
  return found !== undefined && found.createDate === fields.vnp_TransactionDate ? found : null
}

function query(bank: VnpayBank, fields: Fields): Result {
  const refused = refusal(bank, 'querydr', fields)
  if (refused !== null) return { code: refused }
  const found = find(bank, fields)
  if (found === null) return { code: '91' }
  const last = found.refunds.at(-1)
  // VNPAY tells of the newest movement: the payment, or its last refund.
  return last === undefined
    ? { code: '00', fields: moneyFields(bank, found, '01', found.paidAmount, found.status, found.transactionNo) }
    : { code: '00', fields: moneyFields(bank, found, last.type, last.amount, last.status, last.transactionNo) }
}

function refund(bank: VnpayBank, fields: Fields): Result {
  const refused = refusal(bank, 'refund', fields)
  if (refused !== null) return { code: refused }
  const found = find(bank, fields)
  if (found === null) return { code: '91' }
  if (found.status !== '00') return { code: '95' }
  const { vnp_TransactionType: type = '', vnp_Amount = '', vnp_TransactionNo = '0', vnp_CreateBy = '' } = fields
  if ((type !== '02' && type !== '03') || !/^[1-9]\d{0,9}00$/.test(vnp_Amount) || vnp_CreateBy === '')
    return { code: '03' }
  if (vnp_TransactionNo !== '0' && vnp_TransactionNo !== found.transactionNo) return { code: '91' }
  if (found.refunds.some(({ status }) => status === '05' || status === '06')) return { code: '94' }
  const amount = BigInt(vnp_Amount) / 100n
  const returned = found.refunds.filter(({ status }) => status !== '09').reduce((sum, { amount }) => sum + amount, 0n)
  if (returned + amount > found.paidAmount || (type === '02' && amount !== found.paidAmount)) return { code: '03' }
  const made = bank.startRefund(found, type, amount)
  return { code: '00', fields: moneyFields(bank, found, type, amount, made.status, made.transactionNo) }
}

function moneyFields(
  bank: VnpayBank,
  found: VnpayTransaction,
  type: string,
  amount: bigint,
  status: string,
  transactionNo: string,
): Fields {
  const told = bank.behaviour.current.wrongAmount ? amount + wrongBy : amount
  return {
    vnp_TxnRef: found.txnRef,
    vnp_Amount: (told * 100n).toString(),
    vnp_BankCode: found.bankCode,
    vnp_PayDate: found.paidAt === null ? '' : compactTime(found.paidAt),
    vnp_TransactionNo: transactionNo,
    vnp_TransactionType: type,
    vnp_TransactionStatus: status,
    vnp_OrderInfo: found.orderInfo,
  }
}

function signed(
  bank: VnpayBank,
  command: Command,
  asked: Fields,
  { code, fields = {} }: Result,
): Record<string, string> {
  const answer: Record<string, string> = {
    vnp_ResponseId: bank.newResponseId(),
    vnp_Command: command,
    vnp_ResponseCode: code,
    vnp_Message: code === '00' && command === 'querydr' ? 'QueryDR Success' : (responseTexts[code] ?? ''),
    vnp_TmnCode: bank.config.tmnCode,
    vnp_TxnRef: asked.vnp_TxnRef ?? '',
    ...fields,
  }
  const hash = hashOf(barText(`${command}Answer`, answer), bank.config.hashSecret)
  return { ...answer, vnp_SecureHash: bank.behaviour.current.badSignature ? spoilHex(hash) : hash }
}
