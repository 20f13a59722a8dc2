/** payOS (rails.md §2.7): signs the sorted fields of `data`. It opened no payment link for our QR: the order code is its own. */
import { createHmac } from 'node:crypto'
import { readableTime } from '../bank-time.ts'
import { spoilHex } from '../mac.ts'
import type { CallbackRequest } from '../notifier.ts'
import { unpublishedRetriesMs } from '../rail-partner.ts'
import { type CreditSource, judgeBody, type Movement } from './credit-source.ts'

type Value = string | number | null

/** Names in code-unit order, raw values, null as nothing. */
export function payosText(data: Readonly<Record<string, Value>>): string {
  return Object.keys(data)
    .sort()
    .map((name) => `${name}=${data[name] ?? ''}`)
    .join('&')
}

export function payosSignature(data: Readonly<Record<string, Value>>, checksumKey: string): string {
  return createHmac('sha256', checksumKey).update(payosText(data), 'utf8').digest('hex')
}

export function payosSource(checksumKey: string): CreditSource {
  const message = (callbackUrl: string, data: Record<string, Value>, signature: string): CallbackRequest => ({
    method: 'POST',
    url: callbackUrl,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: '00', desc: 'success', success: true, data, signature }),
  })
  return {
    titleVi: 'Ngân hàng và payOS (giả lập)',
    titleEn: 'Bank and payOS (simulated)',
    config: () => ({ name: 'payos', checksumKey }),
    retryDelaysMs: unpublishedRetriesMs,
    request(movement, { callbackUrl, tampered, badSignature }) {
      const data = dataOf(movement)
      const signature = payosSignature(data, checksumKey)
      const told = tampered ? { ...data, amount: data.amount + 1 } : data
      return message(callbackUrl, told, badSignature ? spoilHex(signature) : signature)
    },
    judge: (answer, _movement, isForged) =>
      judgeBody(
        answer,
        isForged ? { status: [401], body: '{"success":false}' } : { status: [200], body: '{"success":true}' },
      ),
    // Signed, and about an account of payOS's own.
    probe(callbackUrl) {
      const data = dataOf({
        ...{ id: 123, direction: 'in', amount: 3_000n, content: 'VQRIO123', payCode: null, balance: 3_000n },
        ...{ accountNumber: '12345678', at: new Date('2023-02-04T11:25:00Z'), reference: 'TF230204212323' },
      })
      return message(callbackUrl, data, payosSignature(data, checksumKey))
    },
  }
}

/** payOS tells of credits only; a debit is told as one that did not come about. */
function dataOf(movement: Movement): Record<string, Value> & { amount: number } {
  const code = movement.direction === 'in' ? '00' : '01'
  return {
    orderCode: movement.id,
    amount: Number(movement.amount),
    description: movement.content,
    accountNumber: movement.accountNumber,
    reference: movement.reference,
    transactionDateTime: readableTime(movement.at),
    currency: 'VND',
    paymentLinkId: movement.id.toString(16).padStart(32, '0'),
    code,
    desc: code === '00' ? 'Thành công' : 'Không thành công',
    counterAccountBankId: '',
    counterAccountBankName: '',
    counterAccountName: null,
    counterAccountNumber: null,
    virtualAccountName: '',
    virtualAccountNumber: '',
  }
}
