/** SePay (rails.md §2.8): signs `timestamp.body`, or shows an API key; calls again seven times within about half an hour. */
import { createHmac } from 'node:crypto'
import { readableTime } from '../bank-time.ts'
import { spoilHex } from '../mac.ts'
import { minuteMs } from '../rail-partner.ts'
import { type CreditSource, judgeBody, type Movement } from './credit-source.ts'

export type SepayAuth =
  | { readonly mode: 'hmac'; readonly secret: string }
  | { readonly mode: 'apikey'; readonly apiKey: string }

/** Headers SePay authenticates a body with. */
export function sepayHeaders(body: string, auth: SepayAuth, at: Date): Record<string, string> {
  const headers = { 'content-type': 'application/json' }
  if (auth.mode === 'apikey') return { ...headers, authorization: `Apikey ${auth.apiKey}` }
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const mac = createHmac('sha256', auth.secret).update(`${timestamp}.${body}`, 'utf8').digest('hex')
  return { ...headers, 'x-sepay-timestamp': timestamp, 'x-sepay-signature': `sha256=${mac}` }
}

export function sepaySource(auth: SepayAuth): CreditSource {
  return {
    titleVi: 'Ngân hàng và SePay (giả lập)',
    titleEn: 'Bank and SePay (simulated)',
    config: () => ({ name: 'sepay', ...auth }),
    retryDelaysMs: [1, 1, 2, 3, 5, 8, 13].map((minutes) => minutes * minuteMs),
    request(movement, { callbackUrl, now, tampered, badSignature }) {
      const body = JSON.stringify(noticeOf(movement))
      const headers = sepayHeaders(body, auth, now)
      // An API key proves nothing about the body: forging it means not to have it.
      const isForgedKey = badSignature || (tampered && auth.mode === 'apikey')
      const proof = auth.mode === 'hmac' ? 'x-sepay-signature' : 'authorization'
      if (isForgedKey) headers[proof] = spoilHex(headers[proof] ?? '')
      const altered = JSON.stringify(noticeOf({ ...movement, amount: movement.amount + 1n }))
      return { method: 'POST', url: callbackUrl, headers, body: tampered ? altered : body }
    },
    judge: (answer, _movement, isForged) =>
      judgeBody(
        answer,
        isForged ? { status: [401], body: '{"success":false}' } : { status: [200], body: '{"success":true}' },
      ),
  }
}

function noticeOf(movement: Movement): Record<string, unknown> {
  const { id, content, payCode } = movement
  return {
    id,
    gateway: 'MBBank',
    transactionDate: readableTime(movement.at),
    accountNumber: movement.accountNumber,
    code: payCode,
    content,
    transferType: movement.direction,
    transferAmount: Number(movement.amount),
    accumulated: Number(movement.balance),
    subAccount: null,
    referenceCode: movement.reference,
    description: `BankAPINotify ${content}`,
  }
}
