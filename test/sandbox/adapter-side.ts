/**
 * A rail's own adapter before its simulated partner: its calls are made for real, the partner's callbacks are read and answered
 * as the gateway would, without a gateway. What passes between the two is only the wire.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type {
  AdapterContext,
  BillAnswer,
  BillRequest,
  CallbackReading,
  ConfirmResult,
  HttpCall,
  InquiryResult,
  Order,
  RawRequest,
  RefundOrder,
  RefundResult,
  StartResult,
  Step,
  StoredAttempt,
  Verdict,
} from '../../adapters/contract.ts'
import { findAdapter } from '../../adapters/registry.ts'
import { makePayCode } from '../../src/domain/pay-code.ts'
import { createHttpCaller } from '../../src/network/http-caller.ts'
import { runSteps } from '../../src/rails/run-steps.ts'

export type Arrived = { readonly request: RawRequest; readonly reading: CallbackReading }

export type Started = { readonly order: Order; readonly attempt: StoredAttempt; readonly result: StartResult | null }

export type AdapterSide = {
  /** Base address of the rail account's callbacks. */
  readonly callbackUrl: string
  /** Callbacks in the order in which they came; token requests and questions about a bill are left out. */
  readonly arrived: readonly Arrived[]
  /** Longest wait for an answer to a call; adapters allow their rails more than a test wants to. */
  patienceMs: number
  /** Told of every call just before it is made. */
  beforeCall: (call: HttpCall) => void
  start(over?: { amount?: bigint; payerInput?: Record<string, string> }): Promise<Started>
  confirm(attempt: StoredAttempt, code: string): Promise<ConfirmResult>
  inquire(attempt: StoredAttempt): Promise<InquiryResult>
  refund(order: RefundOrder): Promise<RefundResult>
  inquireRefund(order: RefundOrder): Promise<RefundResult>
}

let sequence = 0n

export async function adapterSide(t: Test, rail: string, config: object, clock: { now(): Date }): Promise<AdapterSide> {
  const adapter = findAdapter(rail)
  if (adapter === undefined) throw new Error(`no rail ${rail}`)
  const account = { id: 'account-1', config: adapter.accountSchema.parse(config) }
  const calls = createHttpCaller()
  const arrived: Arrived[] = []
  const amounts = new Map<string, bigint>()
  const recorded = new Set<string>()
  const context = (): AdapterContext => ({
    now: clock.now(),
    requestId: `req${String(++sequence).padStart(12, '0')}`,
    serverIp: '198.51.100.7',
  })
  const run = async <T>(
    first: Step<T> | undefined,
    read: (answer: Awaited<ReturnType<typeof calls.call>>, state: unknown) => Step<T> | undefined,
  ): Promise<T> => {
    if (first === undefined) throw new Error(`${rail} cannot do that`)
    const call = (wanted: HttpCall): ReturnType<typeof calls.call> => {
      side.beforeCall(wanted)
      return calls.call({ ...wanted, timeoutMs: Math.min(wanted.timeoutMs, side.patienceMs) })
    }
    return await runSteps(first, (answer, state) => read(answer, state) ?? first, call)
  }

  /** What the gateway would find, of orders made here. */
  function verdictOf(reading: CallbackReading): Verdict {
    if (reading.kind === 'refused') return { kind: 'refused', reason: reading.reason }
    if (reading.kind !== 'outcome') return { kind: 'ignored' }
    const { merchantRef, railTransactionId, kind, amount } = reading.outcome
    const ordered = amounts.get(merchantRef ?? '')
    if (ordered === undefined) return { kind: 'unknownReference' }
    const settlementId = `set-${railTransactionId}`
    if (kind === 'succeeded' && amount !== ordered)
      return { kind: 'amountMismatch', settlementId: adapter?.capabilities.transfer === true ? settlementId : null }
    const key = `${railTransactionId} ${kind}`
    if (recorded.has(key)) return { kind: 'repeated', settlementId }
    recorded.add(key)
    return { kind: 'recorded', settlementId }
  }

  function billOf(request: BillRequest): BillAnswer {
    if (request.kind === 'reverse') return { kind: 'reversed' }
    const amount = amounts.get(request.payCode)
    return amount === undefined
      ? { kind: 'notPayable', why: 'unknown' }
      : { kind: 'payable', payCode: request.payCode, amount, payerName: 'Nguyễn Văn An', billId: 'inv_1' }
  }

  const server = createServer((message, response) => {
    void read(message).then((body) => {
      const url = message.url ?? ''
      const [path = '', query = ''] = url.split('?')
      const headers = Object.fromEntries(
        Object.entries(message.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
      )
      const request: RawRequest = {
        method: message.method ?? '',
        path: path.replace(/^\/here/, ''),
        query,
        headers,
        body,
      }
      const now = context()
      const reading = adapter.readCallback(request, account, now)
      const reply =
        reading.kind === 'handshake'
          ? reading.reply
          : reading.kind === 'bill'
            ? adapter.answerBill?.(billOf(reading.request), request, account, now)
            : adapter.acknowledge(verdictOf(reading), request, account, now)
      if (reading.kind !== 'handshake' && reading.kind !== 'bill') arrived.push({ request, reading })
      if (reply === undefined) throw new TypeError(`${rail} cannot answer`)
      response.writeHead(reply.status, { ...reply.headers }).end(reply.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await calls.close()
  })
  const callbackUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/here`

  const side: AdapterSide = {
    callbackUrl,
    arrived,
    patienceMs: 5_000,
    beforeCall: () => undefined,
    async start(over = {}) {
      const now = clock.now()
      const payCode = makePayCode(randomBytes(32))
      const merchantRef = adapter.merchantRef({ sequence: ++sequence, payCode, now }, account)
      const order: Order = {
        ...{ merchantRef, payCode, dossierCode: 'H56.14-261120-0001', amount: over.amount ?? 150_000n, locale: 'vi' },
        ...{ description: `${payCode} ho so H5614`, payerIp: '203.0.113.7', createdAt: now },
        ...{ returnUrl: 'http://127.0.0.1:9/return', callbackUrl, payerInput: over.payerInput ?? {} },
        expiresAt: new Date(now.getTime() + 30 * 60_000),
      }
      for (const reference of [merchantRef, payCode]) amounts.set(reference, order.amount)
      const at = context()
      const result =
        adapter.start === undefined
          ? null
          : await run(adapter.start(order, account, at), (answer, state) =>
              adapter.readStart?.(answer, state, order, account, at),
            )
      const sent = result?.sent ?? {}
      const attempt = { merchantRef, amount: order.amount, createdAt: now, sent, railTransactionId: null }
      return { order, attempt, result }
    },
    confirm(attempt, code) {
      const at = context()
      return run(adapter.confirm?.(attempt, code, account, at), (answer, state) =>
        adapter.readConfirm?.(answer, state, attempt, account, at),
      )
    },
    inquire(attempt) {
      const at = context()
      return run(adapter.inquire?.(attempt, account, at), (answer, state) =>
        adapter.readInquiry?.(answer, state, attempt, account, at),
      )
    },
    refund(order) {
      const at = context()
      return run(adapter.refund?.(order, account, at), (answer, state) =>
        adapter.readRefund?.(answer, state, order, account, at),
      )
    },
    inquireRefund(order) {
      const at = context()
      return run(adapter.inquireRefund?.(order, account, at), (answer, state) =>
        adapter.readRefundInquiry?.(answer, state, order, account, at),
      )
    },
  }
  return side
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}
