/** Opening an order at ZaloPay (rails.md §5.2). */
import { z } from 'zod'
import { foldToLatin } from '../../src/domain/fold.ts'
import { maxVnd } from '../../src/domain/money.ts'
import type { AdapterContext, HttpAnswer, Order, RailAccount, StartResult, Step } from '../contract.ts'
import { requireCarried } from '../shared/amount-limit.ts'
import type { ZalopayConfig } from './account.ts'
import { readAnswer, signedCall } from './call.ts'
import { isOrderRefusal, returnCode } from './codes.ts'

export const minAmount = 1n
/** ZaloPay's page names no limit: the largest amount of ours. */
export const maxAmount = maxVnd
export const descriptionMaxLength = 256

const embedMaxLength = 1024
const shortestSeconds = 300
const longestSeconds = 2_592_000

export function start(
  order: Order,
  { config }: RailAccount<ZalopayConfig>,
  { now }: AdapterContext,
): Step<StartResult> {
  requireCarried(order.amount, 'ZaloPay', minAmount, maxAmount)
  const seconds = Math.floor((order.expiresAt.getTime() - now.getTime()) / 1000)
  const fields = {
    app_id: config.appId,
    // Names the payer at ZaloPay: the pay code tells nothing about a person.
    app_user: order.payCode,
    app_trans_id: order.merchantRef,
    app_time: now.getTime(),
    expire_duration_seconds: Math.min(Math.max(seconds, shortestSeconds), longestSeconds),
    amount: Number(order.amount),
    item: '[]',
    embed_data: embedData(order.returnUrl),
    description: foldToLatin(order.description, descriptionMaxLength) || order.payCode,
    callback_url: order.callbackUrl,
    ...(config.bankCode === undefined ? {} : { bank_code: config.bankCode }),
  }
  return { kind: 'call', call: signedCall('/v2/create', fields, config), state: null }
}

/** Where ZaloPay sends the browser back. An address with a bar would spoil the signed text; RangeError when it is too long. */
function embedData(returnUrl: string): string {
  const text = JSON.stringify({ redirecturl: returnUrl.replaceAll('|', '%7C') })
  if (text.length > embedMaxLength) throw new RangeError('the return address is too long for ZaloPay')
  return text
}

const createdSchema = z.object({ order_url: z.url({ protocol: /^https?$/ }) })

export function readStart(answer: HttpAnswer, { config }: RailAccount<ZalopayConfig>): Step<StartResult> {
  const read = readAnswer(answer)
  if (!read.ok) return unknown(read.detail)
  const { subReturnCode, message } = read
  if (read.returnCode === returnCode.failed && isOrderRefusal(subReturnCode))
    return { kind: 'done', result: { kind: 'refused', railCode: String(subReturnCode), message, sent: {} } }
  if (read.returnCode !== returnCode.done) return unknown(`return code ${read.returnCode}, ${subReturnCode}`)
  const created = createdSchema.safeParse(read.fields)
  if (!created.success) return unknown(z.prettifyError(created.error))
  const { order_url: url } = created.data
  // The payer is never sent from a protected page to an unprotected one.
  if (new URL(url).protocol !== new URL(config.baseUrl).protocol) return unknown('pay page on another protocol')
  return { kind: 'done', result: { kind: 'redirect', url, sent: {} } }
}

function unknown(detail: string): Step<StartResult> {
  return { kind: 'done', result: { kind: 'unknown', detail, sent: {} } }
}
