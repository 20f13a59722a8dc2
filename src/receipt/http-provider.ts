/** The neutral provider message over HTTP (contracts/receipt-provider.md). */
import { z } from 'zod'
import { readJsonObject } from '../../adapters/shared/json-body.ts'
import { parseReceiptNumber, parseReceiptSymbol, parseReceiptTemplate } from '../domain/codes/receipt-code.ts'
import type { HttpCaller } from '../network/http-caller.ts'
import type { ProviderAnswer, ProviderConfig, ProviderRequest, ReceiptProvider } from './provider.ts'

const answerSchema = z.object({
  status: z.enum(['ISSUED', 'ACCEPTED', 'REFUSED']),
  template: z.string().max(20).nullish(),
  symbol: z.string().max(20).nullish(),
  number: z.union([z.number(), z.string().max(20)]).nullish(),
  issuedAt: z.iso.datetime({ offset: true }).nullish(),
  reference: z.string().max(200).nullish(),
  url: z
    .url({ protocol: /^https$/ })
    .max(2000)
    .nullish(),
  detail: z.string().max(500).nullish(),
})

/** The provider gave an answer that cannot be read; the receipt is asked for again. */
export class ProviderAnswerError extends Error {
  readonly code = 'RECEIPT_PROVIDER_ANSWER'
}

export function httpProvider(config: Extract<ProviderConfig, { kind: 'http' }>, call: HttpCaller): ReceiptProvider {
  return async (request) => {
    const answer = await call({
      method: 'POST',
      url: config.url,
      headers: {
        authorization: `Bearer ${config.token}`,
        'content-type': 'application/json',
        'idempotency-key': request.key,
      },
      body: JSON.stringify(bodyOf(request)),
      timeoutMs: config.timeoutMs,
      repeatable: true,
    })
    if (answer.status >= 500 || answer.status === 429)
      throw new ProviderAnswerError(`the provider answered ${answer.status}`)
    const body = readJsonObject(answer.body)
    const parsed = body.ok ? answerSchema.safeParse(body.value) : null
    if (answer.status >= 400)
      return { kind: 'refused', detail: parsed?.data?.detail ?? `the provider answered ${answer.status}` }
    if (parsed?.success !== true) throw new ProviderAnswerError('the answer of the provider cannot be read')
    return read(parsed.data)
  }
}

function bodyOf(request: ProviderRequest): object {
  return {
    ...request,
    items: request.items.map((item) => ({ ...item, amount: Number(item.amount) })),
    total: Number(request.total),
    currency: 'VND',
    paidAt: request.paidAt.toISOString(),
  }
}

function read(answer: z.infer<typeof answerSchema>): ProviderAnswer {
  const reference = answer.reference ?? null
  if (answer.status === 'REFUSED') return { kind: 'refused', detail: answer.detail ?? 'refused without a reason' }
  const given = answer.number === null || answer.number === undefined || String(answer.number).trim() === ''
  if (answer.status === 'ACCEPTED' || given) return { kind: 'withoutNumber', reference }
  const template = parseReceiptTemplate(answer.template ?? '')
  const symbol = parseReceiptSymbol(answer.symbol ?? '')
  const number = parseReceiptNumber(String(answer.number))
  const wrong = [template, symbol, number].find((code) => !code.ok)
  if (!template.ok || !symbol.ok || !number.ok)
    return { kind: 'refused', detail: wrong?.ok === false ? wrong.messageEn : 'wrong number' }
  return {
    kind: 'issued',
    template: template.value.canonical,
    symbol: symbol.value.canonical,
    number: Number(number.value.canonical),
    issuedAt: typeof answer.issuedAt === 'string' ? new Date(answer.issuedAt) : null,
    reference,
    url: answer.url ?? null,
  }
}
