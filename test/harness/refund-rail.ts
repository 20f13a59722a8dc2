/**
 * A rail of the tests' own that gives money back, answers as it is told, and remembers what it really moved: what the gateway
 * believes can be held against it.
 */
import type { HttpAnswer, RefundOrder, RefundResult, Step } from '../../adapters/contract.ts'
import { vnpay } from '../../adapters/vnpay/index.ts'
import { HttpCallError, type HttpCaller } from '../../src/network/http-caller.ts'
import type { OpenRailAccount, RailAccounts } from '../../src/rails/accounts.ts'
import type { Seeded } from './seed.ts'

export type RailWay =
  /** Moved, and said so. */
  | 'done'
  /** Taken in; moved when `finish` is called. */
  | 'accepted'
  | 'refused'
  /** Moved, but the answer was lost; or the request was. */
  | 'answerLost'
  | 'requestLost'
  | 'noConnection'
  /** Of a rail that asks for a token first: no answer to that. */
  | 'tokenLost'
  /** An answer nobody understands, the money moved or not. */
  | 'garbledDone'
  | 'garbled'
  /** The process that called dies: no answer ever comes back to it. */
  | 'dieBefore'
  | 'dieAfter'

export type RefundRail = {
  readonly railAccounts: RailAccounts
  readonly call: HttpCaller
  /** The ways of the next refund calls, then `done`. */
  next(...ways: RailWay[]): void
  /** Drops the ways that no call has come for. */
  forget(): void
  /** The ways of the next inquiries: as it is, or silent; then as it is. */
  nextInquiry(...ways: ('truth' | 'lost')[]): void
  /** Ends what was accepted. */
  finish(as?: 'done' | 'refused'): void
  /** Accepted and not ended. */
  worksOn(reference: string | null): boolean
  readonly sent: readonly { readonly reference: string; readonly amount: bigint }[]
  readonly moved: readonly { readonly reference: string; readonly amount: bigint }[]
  asked: number
  /** Calls of processes that died: they never end. */
  hanging: number
}

export function refundRail(
  seeded: Pick<Seeded, 'tenantId' | 'railAccountId' | 'beneficiaryAccountId'>,
  options: { readonly inquiry?: boolean; readonly foundBy?: 'reference' | 'payment'; readonly token?: boolean } = {},
): RefundRail {
  const ways: RailWay[] = []
  const inquiries: ('truth' | 'lost')[] = []
  const sent: { reference: string; amount: bigint }[] = []
  const moved: { reference: string; amount: bigint }[] = []
  const pending: { reference: string; amount: bigint }[] = []
  const refused = new Set<string>()
  const lost = (neverSent: boolean): HttpCallError => new HttpCallError('no answer', { neverSent, cause: null })
  const numberOf = (reference: string): string => `N${reference.slice(4)}`

  const ask =
    (path: string) =>
    (order: RefundOrder): Step<RefundResult> => ({
      kind: 'call',
      call: {
        method: 'POST',
        url: `http://rail.example/${path}`,
        headers: {},
        body: JSON.stringify({ reference: order.refundId, amount: order.amount.toString() }),
        timeoutMs: 1_000,
        repeatable: path !== 'refund',
      },
      state: null,
    })
  const read = (answer: HttpAnswer): Step<RefundResult> => ({
    kind: 'done',
    result: JSON.parse(Buffer.from(answer.body).toString()) as RefundResult,
  })
  const inquiry = options.inquiry ?? true
  const account: OpenRailAccount = {
    id: seeded.railAccountId,
    tenantId: seeded.tenantId,
    rail: 'vnpay',
    beneficiaryAccountId: seeded.beneficiaryAccountId,
    titleVi: 'Kênh thử',
    titleEn: 'Test rail',
    status: 'ACTIVE',
    position: 0,
    config: {},
    believed: [{}],
    clientCertificates: null,
    envelope: null,
    adapter: {
      name: vnpay.name,
      titleVi: vnpay.titleVi,
      titleEn: vnpay.titleEn,
      channels: vnpay.channels,
      capabilities: { ...vnpay.capabilities, refundFoundBy: options.foundBy ?? 'reference' },
      accountSchema: vnpay.accountSchema,
      secretFields: [],
      receivers: () => [],
      merchantRef: vnpay.merchantRef,
      lookup: vnpay.lookup,
      readCallback: () => ({ kind: 'ignored', reason: 'no callbacks' }),
      acknowledge: vnpay.acknowledge as never,
      refund: options.token === true ? (order) => ({ ...ask('token')(order), state: 'token' }) : ask('refund'),
      readRefund: (answer, state, order) => (state === 'token' ? ask('refund')(order) : read(answer)),
      ...(inquiry ? { inquireRefund: ask('inquiry'), readRefundInquiry: read } : {}),
    },
  }

  const answer = (result: unknown): HttpAnswer => ({
    status: 200,
    headers: {},
    body: Buffer.from(typeof result === 'string' ? result : JSON.stringify(result)),
  })

  async function refund(order: { reference: string; amount: bigint }): Promise<HttpAnswer> {
    const way = ways.shift() ?? 'done'
    if (way === 'noConnection' || way === 'tokenLost') throw lost(true)
    sent.push(order)
    if (['done', 'answerLost', 'dieAfter', 'garbledDone'].includes(way)) moved.push(order)
    switch (way) {
      case 'done':
        return answer({ kind: 'done', railRefundId: numberOf(order.reference) })
      case 'accepted':
        pending.push(order)
        return answer({ kind: 'accepted', railRefundId: numberOf(order.reference) })
      case 'refused':
        refused.add(order.reference)
        return answer({ kind: 'refused', railCode: '95', message: 'no' })
      case 'garbled':
      case 'garbledDone':
        return answer('<html>')
      case 'answerLost':
      case 'requestLost':
        throw lost(false)
      case 'dieBefore':
      case 'dieAfter':
        rail.hanging += 1
        return await new Promise<never>(() => {})
    }
  }

  /** By reference: about this one. By payment: about whatever moved last. */
  function tell(order: { reference: string; amount: bigint }): RefundResult {
    const about = options.foundBy === 'payment' ? (moved.at(-1)?.reference ?? order.reference) : order.reference
    if (moved.some(({ reference }) => reference === about)) return { kind: 'done', railRefundId: numberOf(about) }
    if (pending.some(({ reference }) => reference === about)) return { kind: 'accepted', railRefundId: numberOf(about) }
    if (refused.has(about)) return { kind: 'refused', railCode: '95', message: 'no' }
    return { kind: 'unknown', detail: 'not known here' }
  }

  const rail: RefundRail = {
    railAccounts: {
      find: () => Promise.resolve(account),
      get: () => Promise.resolve(account),
      payingInto: () => Promise.resolve([account]),
      forget: () => {},
    },
    async call({ url, body }) {
      const asked = JSON.parse(body ?? '') as { reference: string; amount: string }
      const order = { reference: asked.reference, amount: BigInt(asked.amount) }
      if (url.endsWith('/refund')) return await refund(order)
      if (url.endsWith('/token')) {
        if (ways[0] !== 'tokenLost') return answer({})
        ways.shift()
        throw lost(false)
      }
      rail.asked += 1
      if (inquiries.shift() === 'lost') throw lost(false)
      return answer(tell(order))
    },
    next: (...more) => void ways.push(...more),
    forget: () => void ways.splice(0),
    nextInquiry: (...more) => void inquiries.push(...more),
    finish(as = 'done') {
      for (const order of pending.splice(0)) {
        if (as === 'done') moved.push(order)
        else refused.add(order.reference)
      }
    },
    worksOn: (asked) => pending.some(({ reference }) => reference === asked),
    sent,
    moved,
    asked: 0,
    hanging: 0,
  }
  return rail
}
