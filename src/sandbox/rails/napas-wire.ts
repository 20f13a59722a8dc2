/** NAPAS's envelope and `paymentResult` as NAPAS itself writes them (rails.md §4.1). */
import { createHash } from 'node:crypto'

export type Envelope = { readonly data: string; readonly checksum: string }

/** SHA-256 over the text of `data` and the merchant's secret: a plain hash, in lower-case hex. */
export function checksumOf(data: string, clientSecret: string): string {
  return createHash('sha256').update(data, 'utf8').update(clientSecret, 'utf8').digest('hex')
}

export function envelopeOf(content: object, clientSecret: string): Envelope {
  const data = Buffer.from(JSON.stringify(content), 'utf8').toString('base64')
  return { data, checksum: checksumOf(data, clientSecret) }
}

/** What one transaction of an order came to. */
export type ResultFacts = {
  readonly merchantId: string
  readonly operation: string
  readonly result: 'SUCCESS' | 'FAILURE' | 'ERROR'
  readonly gatewayCode: string
  readonly orderId: string
  readonly reference: string
  readonly createdAt: Date
  /** VND. */
  readonly orderAmount: bigint
  readonly capturedAmount: bigint
  readonly refundedAmount: bigint
  readonly transactionId: string
  readonly type: 'PAYMENT' | 'REFUND'
  readonly amount: bigint
  readonly at: Date
}

export function resultOf(facts: ResultFacts): { readonly paymentResult: Readonly<Record<string, unknown>> } {
  const isApproved = facts.result === 'SUCCESS'
  return {
    paymentResult: {
      apiOperation: facts.operation,
      merchantId: facts.merchantId,
      order: {
        id: facts.orderId,
        amount: facts.orderAmount.toString(),
        currency: 'VND',
        creationTime: facts.createdAt.toISOString(),
        reference: facts.reference,
        totalAuthorizedAmount: facts.capturedAmount.toString(),
        totalCapturedAmount: facts.capturedAmount.toString(),
        totalRefundedAmount: facts.refundedAmount.toString(),
      },
      response: {
        gatewayCode: facts.gatewayCode,
        message: isApproved ? 'Approved' : facts.gatewayCode,
        acquirerCode: isApproved ? '00' : '51',
      },
      result: facts.result,
      sourceOfFunds: { provided: { card: { brand: 'NAPAS', number: '970415xxxxxx0018' } }, type: 'CARD' },
      transaction: {
        id: facts.transactionId,
        type: facts.type,
        amount: facts.amount.toString(),
        currency: 'VND',
        receipt: facts.transactionId,
        acquirer: { id: 'NAPAS', date: facts.at.toISOString().slice(5, 10).replace('-', ''), batch: 1 },
      },
      version: '1',
    },
  }
}
