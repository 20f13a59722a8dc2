/**
 * A bank that pays bills by the gateway's own profile (contracts/bill-pull-profile.md): signed JSON questions, reports of money and
 * reversals, each answer believed only when it is signed and answers this very request.
 */
import { createHash } from 'node:crypto'
import { type Behaviour, createBehaviour, wrongBy } from '../behaviour.ts'
import type { SandboxContext } from '../context.ts'
import { type Callback, type CallbackAnswer, createNotifier } from '../notifier.ts'
import { both, dong, html } from '../page.ts'
import { createPartnerServer, listen, registerConsole } from '../partner.ts'
import { isTextSigned, type RsaPair, signText, spoilBase64 } from './rsa-text.ts'

type Operation = 'inquire' | 'pay' | 'reverse'

export type GenericBill = {
  readonly payCode: string
  readonly billId: string
  readonly amount: bigint
  readonly payerName: string
}

/** A signed answer: its code and what stands beside it. */
export type GenericAnswer = {
  readonly status: number
  readonly code: string
  readonly bill: GenericBill | null
  readonly settlementId: string | null
}

export type GenericPayment = { readonly transactionId: string; readonly payCode: string; readonly amount: bigint }
export type GenericSending = { readonly tampered?: boolean; readonly duplicate?: boolean }

export type GenericBankOptions = {
  readonly port?: number
  /** Rail account at the gateway: part of every signature. */
  readonly accountId: string
  readonly bankKeys: RsaPair
  readonly gatewayKeys: { readonly publicKeyPem: string; readonly privateKeyPem?: string }
  /** First letters of this bank's transaction ids. */
  readonly prefix?: string
}

export type GenericBank = {
  readonly baseUrl: string
  callbackUrl: string | null
  readonly behaviour: Behaviour
  readonly callbacks: readonly Callback[]
  readonly payments: readonly GenericPayment[]
  accountConfig(): { profile: 'generic'; bankKeyPem: string; privateKeyPem?: string }
  inquire(payCode: string): Promise<GenericAnswer | string>
  /** Takes money and reports it. Resolves with the answers, one per copy that was sent; a text says why one is worth nothing. */
  pay(bill: { payCode: string; amount: bigint }, sending?: GenericSending): Promise<readonly (GenericAnswer | string)[]>
  /** Reports a payment again, under the same transaction id. */
  repeat(transactionId: string): Promise<readonly (GenericAnswer | string)[]>
  reverse(
    transactionId: string,
    over?: { reversalId?: string; amount?: bigint; reason?: string },
  ): Promise<GenericAnswer | string>
  close(): Promise<void>
}

const timeoutMs = 30_000

export async function startGenericBank(context: SandboxContext, options: GenericBankOptions): Promise<GenericBank> {
  const { accountId, bankKeys, gatewayKeys, prefix = 'FT' } = options
  const behaviour = createBehaviour()
  const notifier = createNotifier(context, behaviour)
  const payments: GenericPayment[] = []
  // From the clock: numbers of an earlier run never come again.
  let lastNumber = context.clock.now().getTime()
  const now = (): Date => new Date(context.clock.now().getTime() + behaviour.current.clockSkewMs)

  /** One message, or twice the very same at one moment. */
  async function send(
    operation: Operation,
    about: string,
    fields: object,
    { tampered = false, duplicate = false }: GenericSending = {},
  ): Promise<readonly (GenericAnswer | string)[]> {
    const body = JSON.stringify(fields)
    const timestamp = String(Math.floor(now().getTime() / 1000))
    const nonce = Buffer.from(context.random(18)).toString('base64url')
    const signature = signText(requestText(operation, accountId, timestamp, nonce, body), bankKeys.privateKeyPem)
    const headers = {
      'content-type': 'application/json',
      'feegate-timestamp': timestamp,
      'feegate-nonce': nonce,
      'feegate-signature': tampered || behaviour.current.badSignature ? spoilBase64(signature) : signature,
    }
    const read: (GenericAnswer | string)[] = []
    await notifier.send({
      about,
      label: operation,
      request: () =>
        bank.callbackUrl === null ? null : { method: 'POST', url: `${bank.callbackUrl}/${operation}`, headers, body },
      judge: (answer) => {
        const finding = readAnswer(answer, operation, nonce)
        read.push(finding)
        if (typeof finding === 'string') return { asExpected: false, ends: false, meaning: finding }
        return { asExpected: (finding.code === 'BAD_SIGNATURE') === tampered, ends: true, meaning: finding.code }
      },
      retryDelaysMs: [],
      timeoutMs,
      copies: duplicate ? 2 : 1,
    })
    return read.length > 0 ? read : ['no answer']
  }

  function readAnswer(answer: CallbackAnswer, operation: Operation, nonce: string): GenericAnswer | string {
    const { headers = {} } = answer
    const timestamp = headers['feegate-timestamp'] ?? ''
    const text = answerText(operation, accountId, timestamp, headers['feegate-nonce'] ?? '', answer.status, answer.body)
    if (!isTextSigned(text, headers['feegate-signature'], gatewayKeys.publicKeyPem))
      return `HTTP ${answer.status}: the answer is not signed by the gateway`
    if (headers['feegate-nonce'] !== nonce) return 'an answer to another request'
    const fields: Record<string, unknown> = JSON.parse(answer.body)
    return {
      status: answer.status,
      code: String(fields.code),
      bill: fields.code === 'PAYABLE' ? billOf(Object(fields.bill)) : null,
      settlementId: typeof fields.settlementId === 'string' ? fields.settlementId : null,
    }
  }

  function report({ transactionId, payCode, amount }: GenericPayment, sending?: GenericSending) {
    const taken = amount + (behaviour.current.wrongAmount ? wrongBy : 0n)
    const fields = { transactionId, payCode, amount: Number(taken), currency: 'VND', channel: 'COUNTER' }
    return send('pay', payCode, { ...fields, paidAt: now().toISOString() }, sending)
  }

  const server = createPartnerServer(behaviour, context)
  registerConsole(server, {
    ...{ titleVi: 'Ngân hàng thu hộ (giả lập)', titleEn: 'Bill-paying bank (simulated)', behaviour, notifier },
    config: () => bank.accountConfig(),
    transactions: () => payments.map(({ amount, ...payment }) => ({ ...payment, amount: dong(amount) })),
    extra: () => html`<p>${both('Hồ sơ tích hợp chung', 'The generic profile')}</p>`,
  })
  const baseUrl = await listen(server, context, options.port ?? 0)

  const bank: GenericBank = {
    ...{ baseUrl, callbackUrl: null, behaviour, callbacks: notifier.callbacks, payments },
    accountConfig: () => ({
      profile: 'generic',
      bankKeyPem: bankKeys.publicKeyPem,
      ...(gatewayKeys.privateKeyPem === undefined ? {} : { privateKeyPem: gatewayKeys.privateKeyPem }),
    }),
    async inquire(payCode) {
      const [answer = 'no answer'] = await send('inquire', payCode, { payCode, channel: 'COUNTER' })
      return answer
    },
    async pay({ payCode, amount }, sending = {}) {
      const payment = { transactionId: `${prefix}${++lastNumber}`, payCode, amount }
      // A forged report takes nobody's money.
      if (sending.tampered !== true) payments.push(payment)
      if (payments.length > 5_000) payments.shift()
      return await report(payment, sending)
    },
    async repeat(transactionId) {
      const payment = payments.find((taken) => taken.transactionId === transactionId)
      if (payment === undefined) throw new RangeError(`no payment ${transactionId}`)
      return await report(payment)
    },
    async reverse(transactionId, over = {}) {
      const amount = over.amount ?? payments.find((taken) => taken.transactionId === transactionId)?.amount ?? 1n
      const reversalId = over.reversalId ?? `RV${++lastNumber}`
      const reason = over.reason ?? 'teller typed another bill'
      const fields = { reversalId, transactionId, amount: Number(amount), currency: 'VND', reason }
      const [answer = 'no answer'] = await send('reverse', transactionId, fields)
      return answer
    },
    async close() {
      await notifier.close()
      await server.close()
    },
  }
  return bank
}

function billOf(bill: Record<string, unknown>): GenericBill {
  const { payCode, billId, amount, payerName } = bill
  return {
    payCode: String(payCode),
    billId: String(billId),
    amount: BigInt(Number(amount)),
    payerName: String(payerName),
  }
}

function requestText(operation: string, account: string, timestamp: string, nonce: string, body: string): string {
  return `feegate-bill-pull-request-v1\noperation=${operation}\naccount=${account}\ntimestamp=${timestamp}\nnonce=${nonce}\nbody-sha256=${sha256(body)}`
}

function answerText(
  operation: string,
  account: string,
  timestamp: string,
  nonce: string,
  status: number,
  body: string,
): string {
  return `feegate-bill-pull-answer-v1\noperation=${operation}\naccount=${account}\ntimestamp=${timestamp}\nnonce=${nonce}\nstatus=${status}\nbody-sha256=${sha256(body)}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
