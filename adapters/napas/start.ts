/** Token → data key → the card form of NAPAS on the payer's page (rails.md §4.1). Card data never touches us. */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import type { HttpAnswer, Order, RailAccount, StartResult, Step } from '../contract.ts'
import { requireCarried } from '../shared/amount-limit.ts'
import { readJsonObject } from '../shared/json-body.ts'
import { formUrlOf, merchantOf, type NapasConfig } from './account.ts'
import { awaitsAnswer, awaitsToken, bearerCall, readToken, stepSchema, tokenCall } from './token.ts'

type Account = RailAccount<NapasConfig>

export const maxAmount = 9_999_999_999n
export const orderReferenceMaxLength = 100

/** Throws RangeError outside 1 … `maxAmount`. */
export function start(order: Order, account: Account): Step<StartResult> {
  requireCarried(order.amount, 'NAPAS', 1n, maxAmount)
  return { kind: 'call', call: tokenCall(account.config), state: awaitsToken }
}

export function readStart(answer: HttpAnswer, state: unknown, order: Order, account: Account): Step<StartResult> {
  const { awaits } = stepSchema.parse(state)
  return awaits === 'token' ? askDataKey(answer, order, account.config) : readDataKey(answer, order, account.config)
}

function askDataKey(answer: HttpAnswer, order: Order, config: NapasConfig): Step<StartResult> {
  const read = readToken(answer)
  if (read.kind === 'unknown') return unknown(read.detail)
  if (read.kind === 'refused') return refused(read.railCode, 'NAPAS gave no token')
  const body = {
    apiOperation: 'DATA_KEY',
    order: { id: order.merchantRef, amount: Number(order.amount), currency: 'VND' },
    inputParameters: {
      clientIP: order.payerIp,
      deviceId: config.deviceId,
      environment: config.environment,
      cardScheme: config.cardScheme,
      enable3DSecure: String(config.enable3DSecure),
    },
  }
  const merchant = encodeURIComponent(config.clientId)
  const url = `${config.apiUrl}/rest/version/${config.apiVersion}/merchant/${merchant}/datakey`
  // A key alone moves no money: asking twice gives another one.
  const call = bearerCall(read.token, { method: 'POST', url, repeatable: true }, body, config)
  return { kind: 'call', call, state: awaitsAnswer }
}

const key = z.string().regex(/^[\x21-\x7e]{1,4000}$/)
const dataKeySchema = z.looseObject({ result: z.literal('SUCCESS'), dataKey: key, napasKey: key })
const refusalSchema = z.looseObject({
  result: z.enum(['ERROR', 'FAILURE']),
  error: z.looseObject({ cause: z.string().nullish(), explanation: z.string().nullish() }).nullish(),
})

function readDataKey(answer: HttpAnswer, order: Order, config: NapasConfig): Step<StartResult> {
  if (answer.status >= 500) return unknown(`data key: HTTP ${answer.status}`)
  const body = readJsonObject(answer.body)
  if (!body.ok) return unknown(`data key: ${body.detail}`)
  const refusal = refusalSchema.safeParse(body.value)
  if (refusal.success) {
    const { result, error } = refusal.data
    return refused(error?.cause ?? result, error?.explanation ?? '')
  }
  const parsed = dataKeySchema.safeParse(body.value)
  if (answer.status < 200 || answer.status > 299 || !parsed.success)
    return unknown(`data key: HTTP ${answer.status} without a key`)
  const fields = { ...attributesOf(order, config), dataKey: parsed.data.dataKey, napasKey: parsed.data.napasKey }
  return {
    kind: 'done',
    result: { kind: 'form', action: formUrlOf(config), fields: { ...fields, returnUrl: order.returnUrl }, sent: {} },
  }
}

/** Attributes of NAPAS's script, by its own names. */
function attributesOf(order: Order, config: NapasConfig): Record<string, string> {
  return {
    merchantId: merchantOf(config),
    clientIP: order.payerIp,
    deviceId: config.deviceId,
    environment: config.environment,
    cardScheme: config.cardScheme,
    enable3DSecure: String(config.enable3DSecure),
    apiOperation: config.payOperation,
    orderId: order.merchantRef,
    orderAmount: order.amount.toString(),
    orderCurrency: 'VND',
    orderReference: foldToLatin(order.description, orderReferenceMaxLength) || order.payCode,
    channel: config.channel,
    sourceOfFundsType: 'CARD',
  }
}

function refused(railCode: string, message: string): Step<StartResult> {
  const result = { kind: 'refused', railCode: railCode.slice(0, 60), message: message.slice(0, 255), sent: {} } as const
  return { kind: 'done', result }
}

function unknown(detail: string): Step<StartResult> {
  return { kind: 'done', result: { kind: 'unknown', detail, sent: {} } }
}
