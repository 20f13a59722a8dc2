/**
 * A sender's message, from the bytes to the answer: token, hash and patterns (pure) → our invoice → answer. Nothing a sender says
 * makes a debt or moves money; it only learns where its payer pays, and what became of it.
 */
import type { Logger } from 'pino'
import type { HttpReply, RawRequest } from '../../adapters/contract.ts'
import { acceptInit, readInit, refuseInit, type SenderOrder } from '../../adapters/national-portal/sender/init.ts'
import type { SenderRefusal } from '../../adapters/national-portal/sender/message.ts'
import {
  answerQuery,
  readQuestion,
  refuseQuestion,
  type SenderQuestion,
} from '../../adapters/national-portal/sender/question.ts'
import { createEvidenceLimit } from '../callback/evidence-limit.ts'
import { type Environment, newId } from '../environment.ts'
import { storableText } from '../store/callback-evidence.ts'
import type { Database } from '../store/database.ts'
import { insertAll, type Row } from '../store/rows.ts'
import { paymentConfirmation } from './confirmation.ts'
import { placeOrder, readOrder } from './orders.ts'
import type { Partner } from './partners.ts'

export const partnerOperations = ['init', 'query', 'get-bill'] as const
export type PartnerOperation = (typeof partnerOperations)[number]

export type PartnerArrival = {
  readonly request: RawRequest
  readonly requestId: string
  readonly remoteAddress: string
}

export type PartnerReceiver = (
  partner: Partner,
  operation: PartnerOperation,
  arrival: PartnerArrival,
) => Promise<HttpReply>

type Told = {
  readonly reply: HttpReply
  readonly verdict: string
  readonly detail: string
  readonly orderId: string | null
  readonly fields: Readonly<Record<string, string>>
}

export function createPartnerReceiver({
  database,
  environment,
  log,
  publicUrl,
}: {
  readonly database: Database
  readonly environment: Environment
  readonly log: Logger
  readonly publicUrl: () => string
}): PartnerReceiver {
  const mayKeepEvidence = createEvidenceLimit()

  function evidence(partner: Partner, operation: PartnerOperation, arrival: PartnerArrival, told: Told): Row {
    return {
      id: newId(environment, 'ptm'),
      tenant_id: partner.tenantId,
      partner_id: partner.id,
      received_at: environment.now(),
      request_id: arrival.requestId,
      remote_address: arrival.remoteAddress,
      operation,
      fields: Object.fromEntries(Object.entries(told.fields).map(([name, text]) => [name, storableText(text)])),
      verdict: told.verdict,
      detail: storableText(told.detail).slice(0, 500),
      order_id: told.orderId,
      reply_status: told.reply.status,
    }
  }

  async function answerInit(partner: Partner, order: SenderOrder, arrival: PartnerArrival): Promise<Told> {
    const { config } = partner
    return await database.forTenant(partner.tenantId).transaction(async (tx) => {
      const placed = await placeOrder(tx, environment, partner, order)
      const told: Told = placed.ok
        ? {
            reply: acceptInit(`${publicUrl()}/pay/${placed.payToken}`, config),
            verdict: placed.isNew ? 'accepted' : 'repeated',
            detail: '',
            orderId: placed.orderId,
            fields: order.fields,
          }
        : {
            reply: refuseInit(placed.code, config),
            verdict: placed.code,
            detail: placed.detail,
            orderId: null,
            fields: order.fields,
          }
      await insertAll(tx, 'partner_messages', [evidence(partner, 'init', arrival, told)])
      return told
    })
  }

  async function answerQuestion(
    partner: Partner,
    operation: 'query' | 'get-bill',
    question: SenderQuestion,
    arrival: PartnerArrival,
  ): Promise<Told> {
    const { config } = partner
    const now = environment.now()
    const tenant = database.forTenant(partner.tenantId)
    const order = await readOrder(tenant, partner, question.reference)
    // The time is part of the question: it must be the one of INIT (domain.md §5.7).
    const known = order !== null && order.initTime === question.initTime ? order : null
    const told: Told = {
      reply:
        known === null || (operation === 'get-bill' && known.standing.kind !== 'paid')
          ? refuseQuestion('unknownDebt', arrival.request, config, now)
          : operation === 'query'
            ? answerQuery(known, known.standing, config, now)
            : confirmationReply(paymentConfirmation(known, now)),
      verdict: known === null ? 'unknownDebt' : known.standing.kind,
      detail: '',
      orderId: known?.id ?? null,
      fields: question.fields,
    }
    await insertAll(tenant, 'partner_messages', [evidence(partner, operation, arrival, told)])
    return told
  }

  return async (partner, operation, arrival) => {
    const { config } = partner
    const child = log.child({ requestId: arrival.requestId, partnerId: partner.id, operation })
    const refuse = (code: SenderRefusal['code']): HttpReply =>
      operation === 'init' ? refuseInit(code, config) : refuseQuestion(code, arrival.request, config, environment.now())
    try {
      const reading =
        operation === 'init'
          ? readInit(arrival.request, config, environment.now())
          : readQuestion(arrival.request, operation === 'query' ? 'QUERY' : 'GET_BILL', config)
      if (reading.kind === 'refused') {
        child.warn({ code: reading.code, detail: reading.detail }, 'message of a partner refused')
        const reply = refuse(reading.code)
        if (mayKeepEvidence(partner.id, environment.now())) {
          const told = { reply, verdict: reading.code, detail: reading.detail, orderId: null, fields: {} }
          await insertAll(database.forTenant(partner.tenantId), 'partner_messages', [
            evidence(partner, operation, arrival, told),
          ])
        }
        return reply
      }
      const told =
        reading.kind === 'init'
          ? await answerInit(partner, reading.order, arrival)
          : await answerQuestion(partner, operation === 'query' ? 'query' : 'get-bill', reading, arrival)
      // Somebody between us changes what no hash covers, or the partner is wrong about its own message.
      const level = told.verdict === 'contradiction' ? 'error' : 'info'
      child[level]({ verdict: told.verdict, detail: told.detail, orderId: told.orderId }, 'partner answered')
      return told.reply
    } catch (error) {
      child.error({ err: error }, 'a partner could not be answered; it is asked to come again')
      return refuse('unavailable')
    }
  }
}

function confirmationReply(pdf: string): HttpReply {
  return { status: 200, headers: { 'content-type': 'application/pdf', 'x-content-type-options': 'nosniff' }, body: pdf }
}
