/**
 * A bank's message, from the bytes to the acknowledgement: read and verify (pure) → settle (committed) → acknowledge.
 * Nothing touches payment state before the signature holds (I7), and no positive answer leaves before the commit (I4).
 */
import type { Logger } from 'pino'
import type {
  AdapterContext,
  BillAnswer,
  CallbackReading,
  HttpReply,
  RawRequest,
  Verdict,
} from '../../adapters/contract.ts'
import type { BillDesk } from '../bill/desk.ts'
import { type Environment, newId } from '../environment.ts'
import type { Metrics } from '../metrics.ts'
import type { OpenRailAccount } from '../rails/accounts.ts'
import { readWithAnyKey } from '../rails/any-key.ts'
import { openEnvelope } from '../rails/envelope.ts'
import type { Settler } from '../settlement/group.ts'
import type { Crl } from '../signing/crl.ts'
import { callbackRow } from '../store/callback-evidence.ts'
import type { Database } from '../store/database.ts'
import { insertAll } from '../store/rows.ts'
import { createEvidenceLimit } from './evidence-limit.ts'

export type CallbackArrival = {
  readonly request: RawRequest
  readonly requestId: string
  readonly remoteAddress: string
}

export type CallbackReceiver = (account: OpenRailAccount, arrival: CallbackArrival) => Promise<HttpReply>

export type CallbackReceiverOptions = {
  readonly database: Database
  readonly settler: Settler
  /** Answers what pull rails ask about bills. */
  readonly bills: BillDesk
  readonly environment: Environment
  readonly metrics: Metrics
  readonly log: Logger
  readonly serverIp: string
  readonly refusedEvidencePerMinute?: number
  /** Revocation lists for banks that sign as CMS; null: none are kept. */
  readonly signerCrls?: () => readonly Crl[] | null
}

export function createCallbackReceiver(options: CallbackReceiverOptions): CallbackReceiver {
  const { database, settler, bills, environment, metrics, log, serverIp, refusedEvidencePerMinute } = options
  const { signerCrls = () => null } = options
  const mayKeepEvidence = createEvidenceLimit(refusedEvidencePerMinute)

  async function keepEvidence(
    account: OpenRailAccount,
    arrival: CallbackArrival,
    receivedAt: Date,
    verdict: string,
    detail: string,
    reply: HttpReply,
  ): Promise<void> {
    const row = callbackRow({
      ...arrival,
      id: newId(environment, 'cbk'),
      tenantId: account.tenantId,
      railAccountId: account.id,
      receivedAt,
      verdict,
      detail,
      settlementId: null,
      reply,
    })
    await insertAll(database, 'callbacks', [row])
  }

  return async (account, arrival) => {
    const { adapter } = account
    const receivedAt = environment.now()
    const context: AdapterContext = { now: receivedAt, requestId: newId(environment, 'req').slice(4), serverIp }
    const opened = openEnvelope(account.envelope, arrival.request, { at: receivedAt, crls: signerCrls() })
    const request = opened.ok ? opened.request : arrival.request
    // What is answered is answered with the config that fitted.
    const { reading, railAccount } = readWithAnyKey(
      account,
      (candidate): CallbackReading =>
        opened.ok
          ? adapter.readCallback(request, candidate, context)
          : { kind: 'refused', reason: 'signature', detail: opened.detail },
      isRefusedByKey,
    )
    const acknowledge = (verdict: Verdict): HttpReply => adapter.acknowledge(verdict, request, railAccount, context)
    const answerBill = (answer: BillAnswer): HttpReply => {
      if (adapter.answerBill === undefined) throw new TypeError(`${adapter.name} reads bills but cannot answer them`)
      return adapter.answerBill(answer, request, railAccount, context)
    }
    const named = adapter.lookup(request)
    const child = log.child({
      requestId: arrival.requestId,
      rail: account.rail,
      railAccountId: account.id,
      merchantRef: named.merchantRef,
    })

    switch (reading.kind) {
      case 'handshake':
        return reading.reply
      case 'refused': {
        const reply = acknowledge({ kind: 'refused', reason: reading.reason })
        metrics.callbacks.inc({ rail: account.rail, verdict: `refused_${reading.reason}` })
        child.warn({ reason: reading.reason, detail: reading.detail }, 'callback refused')
        if (mayKeepEvidence(account.id, receivedAt)) {
          try {
            await keepEvidence(account, arrival, receivedAt, `refused:${reading.reason}`, reading.detail, reply)
          } catch (error) {
            // The refusal stands with or without its evidence.
            child.error({ err: error }, 'evidence of a refused callback could not be kept')
          }
        }
        return reply
      }
      case 'ignored':
      case 'bill':
      case 'outcome':
        break
    }

    try {
      if (reading.kind === 'ignored') {
        const reply = acknowledge({ kind: 'ignored' })
        await keepEvidence(account, arrival, receivedAt, 'ignored', reading.reason, reply)
        metrics.callbacks.inc({ rail: account.rail, verdict: 'ignored' })
        return reply
      }
      if (reading.kind === 'bill') {
        const { reply, answer, rule, alarm } = await bills({
          account,
          request: reading.request,
          arrival: { ...arrival, receivedAt },
          reply: answerBill,
        })
        metrics.callbacks.inc({ rail: account.rail, verdict: `bill_${answer.kind}` })
        child[alarm ? 'warn' : 'info']({ rule, answer: answer.kind }, 'bill answered')
        return reply
      }
      const result = await settler.settle({
        outcome: reading.outcome,
        transferRail: adapter.capabilities.transfer,
        callback: { ...arrival, receivedAt, acknowledge },
      })
      metrics.callbacks.inc({ rail: account.rail, verdict: result.verdict.kind })
      metrics.settlements.inc({ rail: account.rail, rule: result.rule })
      child[result.alarm ? 'warn' : 'info'](
        { rule: result.rule, verdict: result.verdict.kind, settlementId: result.settlementId },
        'callback settled',
      )
      return result.reply ?? acknowledge(result.verdict)
    } catch (error) {
      child.error({ err: error }, 'callback could not be settled; the rail is asked to call again')
      metrics.callbacks.inc({ rail: account.rail, verdict: 'unavailable' })
      return reading.kind === 'bill' ? answerBill({ kind: 'unavailable' }) : acknowledge({ kind: 'unavailable' })
    }
  }
}

/** Refused because the signature or credentials are not those of this config. */
function isRefusedByKey(reading: CallbackReading): boolean {
  return reading.kind === 'refused' && (reading.reason === 'signature' || reading.reason === 'auth')
}
