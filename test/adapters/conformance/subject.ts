/** What the suite judges: one adapter under one way of holding an account, with the rail's side beside it. */
import { generateKeyPairSync } from 'node:crypto'
import type { Conformance, ConformanceKeys, ConformanceMode, KeyPair, Telling } from '../../../adapters/conformance.ts'
import type {
  Adapter,
  AdapterContext,
  CallbackReading,
  Order,
  RailAccount,
  RawRequest,
  RefundOrder,
  StoredAttempt,
} from '../../../adapters/contract.ts'
import { makePayCode } from '../../../src/domain/pay-code.ts'

export type Subject = {
  readonly adapter: Adapter
  readonly mode: ConformanceMode
  readonly name: string
  /** The account under test, and another one of ours, as the gateway hands them to the adapter. */
  readonly account: RailAccount<unknown>
  readonly other: RailAccount<unknown>
  /** The same as an operator wrote them: what the rail's side goes by. */
  readonly written: RailAccount<unknown>
  readonly otherWritten: RailAccount<unknown>
}

/** One thing the suite looks at. Each line it returns is something wrong; none is a pass. */
export type Check = { readonly name: string; readonly find: (subject: Subject) => string[] }

function rsaKeys(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

const keys: ConformanceKeys = { ours: rsaKeys(), rail: rsaKeys(), otherRail: rsaKeys() }

/** The subjects of one adapter. Throws when a sample config does not fit the adapter's schema. */
export function subjectsOf(adapter: Adapter, conformance: Conformance): Subject[] {
  return conformance(keys).map((mode, index) => {
    const id = `${adapter.name}-${index + 1}`
    const account = (accountId: string, config: unknown): RailAccount<unknown> => ({
      id: accountId,
      config: adapter.accountSchema.parse(config),
    })
    return {
      adapter,
      mode,
      name: `${adapter.name}, ${mode.name}`,
      account: account(id, mode.config),
      other: account(`${id}-other`, mode.other),
      written: { id, config: mode.config },
      otherWritten: { id: `${id}-other`, config: mode.other },
    }
  })
}

/** 20 November 2026, 10:15:00 in Viet Nam. */
export const now = new Date('2026-11-20T03:15:00Z')

export function contextAt(at: Date = now, requestId = 'conformance00000001'): AdapterContext {
  return { now: at, requestId, serverIp: '198.51.100.7' }
}

export const payCode = makePayCode(Uint8Array.from({ length: 32 }, (_, index) => index * 7 + 1))
export const otherPayCode = makePayCode(Uint8Array.from({ length: 32 }, (_, index) => index * 5 + 3))

export function referenceOf({ adapter, account }: Subject, sequence = 4217n, code = payCode): string {
  return adapter.merchantRef({ sequence, payCode: code, now }, account)
}

export function aTelling(subject: Subject, over: Partial<Telling> = {}): Telling {
  return {
    merchantRef: referenceOf(subject, 4217n, over.payCode ?? payCode),
    payCode,
    amount: 150_000n,
    currency: 'VND',
    transaction: '250310004217',
    at: now,
    ...over,
  }
}

export function anOrder(subject: Subject, over: Partial<Order> = {}): Order {
  return {
    merchantRef: referenceOf(subject),
    payCode,
    dossierCode: 'H56.14-261120-0001',
    amount: 150_000n,
    description: `${payCode} ho so H56 14 261120 0001`
      .slice(0, subject.adapter.capabilities.descriptionMaxLength)
      .trim(),
    locale: 'vi',
    payerIp: '203.0.113.10',
    returnUrl: 'https://gateway.example/pay/token/return',
    callbackUrl: `https://gateway.example/callbacks/${subject.adapter.name}/${subject.account.id}`,
    createdAt: now,
    expiresAt: new Date(now.getTime() + 30 * 60_000),
    payerInput: subject.mode.start?.payerInput ?? {},
    ...over,
  }
}

export function anAttempt(subject: Subject, over: Partial<StoredAttempt> = {}): StoredAttempt {
  return {
    merchantRef: referenceOf(subject),
    amount: 150_000n,
    createdAt: now,
    sent: {},
    railTransactionId: null,
    ...over,
  }
}

/** A refund in part of what `aTelling` tells. */
export function aRefund(subject: Subject, over: Partial<RefundOrder> = {}): RefundOrder {
  const { callbacks } = subject.mode
  const paid = callbacks.find(({ reads }) => reads === 'succeeded')
  const railTransactionId = paid?.key?.(aTelling(subject), subject.written) ?? '250310004217'
  return {
    refundId: 'ref_01jnz0000000000000000000ab',
    attempt: anAttempt(subject, { railTransactionId }),
    railTransactionId,
    paidAmount: 150_000n,
    amount: 50_000n,
    reason: 'Nộp thừa phí (H56.14)',
    operator: 'Nguyễn Văn Kế',
    ...over,
  }
}

export function readAt(
  { adapter, account }: Subject,
  request: RawRequest,
  at: Date = now,
  to: RailAccount<unknown> = account,
): CallbackReading {
  return adapter.readCallback(request, to, contextAt(at))
}

/** What a reading does to money, in one line: everything but evidence and words for people. */
export function meaningOf(reading: CallbackReading): string {
  switch (reading.kind) {
    case 'refused':
      return `refused ${reading.reason}`
    case 'outcome': {
      const { evidence: _evidence, ...outcome } = reading.outcome
      return lineOf(outcome)
    }
    case 'bill': {
      const { echo: _echo, ...request } = reading.request
      return lineOf(request)
    }
    default:
      return reading.kind
  }
}

/** Any value of ours in one line; big integers by their digits. */
export function lineOf(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}
