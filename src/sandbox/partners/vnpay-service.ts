/** VNPAY's transaction service, `querydr` and `refund` (rails.md §1.4, §1.5): checks the request, signs the answer. */
import { randomBytes } from 'node:crypto'
import type { VnpayOrder } from './vnpay-order.ts'
import { barText, hashOf, isSigned } from './vnpay-signature.ts'

export type VnpayService = {
  readonly tmnCode: string
  readonly hashSecret: string
  readonly orders: ReadonlyMap<string, VnpayOrder>
  /** Ids of requests already answered: one id is good for one request. */
  readonly requestIds: Set<string>
}

const messages: Readonly<Record<string, string>> = {
  '00': 'Success',
  '02': 'Invalid terminal',
  '03': 'Invalid format',
  '91': 'Transaction not found',
  '94': 'Duplicate request',
  '95': 'Original transaction not successful',
  '97': 'Invalid checksum',
}

/** The signed answer to one request body. A refund that is accepted is booked on its order. */
export function answerRequest(service: VnpayService, body: ReadonlyMap<string, unknown>): Record<string, string> {
  const asked = (name: string): string => {
    const value = body.get(name)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const command = asked('vnp_Command') === 'refund' ? 'refund' : 'querydr'
  const order = service.orders.get(asked('vnp_TxnRef'))
  const code = verdict(service, command, asked, order)
  const found = code === '00' ? order : undefined
  if (command === 'refund' && found !== undefined) found.refunded += BigInt(asked('vnp_Amount'))
  const money: Record<string, string> =
    found === undefined
      ? {}
      : {
          vnp_Amount: command === 'refund' ? asked('vnp_Amount') : found.amount.toString(),
          vnp_BankCode: 'NCB',
          vnp_PayDate: found.payDate,
          vnp_TransactionNo: found.transactionNo,
          vnp_TransactionType: command === 'refund' ? asked('vnp_TransactionType') : '01',
          vnp_TransactionStatus: command === 'refund' ? '00' : found.status,
        }
  const answer = new Map(
    Object.entries({
      vnp_ResponseId: randomBytes(16).toString('hex'),
      vnp_Command: command,
      vnp_ResponseCode: code,
      vnp_Message: messages[code] ?? '',
      vnp_TmnCode: service.tmnCode,
      vnp_TxnRef: asked('vnp_TxnRef'),
      vnp_OrderInfo: asked('vnp_OrderInfo'),
      ...money,
    }).filter(([, value]) => value !== ''),
  )
  const text = barText(`${command}Answer`, (name) => answer.get(name) ?? '')
  return { ...Object.fromEntries(answer), vnp_SecureHash: hashOf(text, service.hashSecret) }
}

function verdict(
  { tmnCode, hashSecret, requestIds }: VnpayService,
  command: 'querydr' | 'refund',
  asked: (name: string) => string,
  order: VnpayOrder | undefined,
): string {
  if (!isSigned(barText(command, asked), asked('vnp_SecureHash'), hashSecret)) return '97'
  if (asked('vnp_TmnCode') !== tmnCode) return '02'
  const requestId = asked('vnp_RequestId')
  if (asked('vnp_Command') !== command || !/^[A-Za-z0-9]{1,32}$/.test(requestId)) return '03'
  if (requestIds.has(requestId)) return '94'
  requestIds.add(requestId)
  if (order === undefined || order.fields.get('vnp_CreateDate') !== asked('vnp_TransactionDate')) return '91'
  if (command === 'querydr') return '00'
  const [type, amount] = [asked('vnp_TransactionType'), asked('vnp_Amount')]
  if (!/^0[23]$/.test(type) || !/^[1-9]\d{0,11}$/.test(amount)) return '03'
  if (order.status !== '00') return '95'
  const isTooMuch = order.refunded + BigInt(amount) > order.amount
  return isTooMuch || (type === '02' && BigInt(amount) !== order.amount) ? '94' : '00'
}
