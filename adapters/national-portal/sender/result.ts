/** Our result to a sender, and whether its answer means that it has it. */
import { z } from 'zod'
import type { HttpAnswer, HttpCall } from '../../contract.ts'
import { readJsonObject } from '../../shared/json-body.ts'
import { textsOf } from '../result.ts'
import { authenticationCode, isAuthentic, signedFields } from '../signature.ts'
import type { SenderConfig } from './account.ts'
import { resultFields, type SenderStanding, type StandingOrder } from './question.ts'

/** Only of success: what has not been paid may still be. The same at every call. */
export function resultCall(
  order: StandingOrder,
  paid: Extract<SenderStanding, { kind: 'paid' }>,
  config: SenderConfig,
): HttpCall {
  const fields = resultFields(config.resultMessageType, '00', order, paid, config, paid.paidAt)
  return {
    method: 'POST',
    url: config.resultUrl,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(config.resultBearerToken === undefined ? {} : { authorization: `Bearer ${config.resultBearerToken}` }),
    },
    body: JSON.stringify({ ...fields, MaXacThuc: authenticationCode(signedFields.RESULT, fields, config.secret) }),
    timeoutMs: config.timeoutMs,
    repeatable: true,
  }
}

const answerSchema = z.looseObject({ MaLoi: z.literal('00'), MaThamChieu: z.string() })

/** Null when the sender has taken it; else what is wrong with its answer. */
export function resultFault(answer: HttpAnswer, order: StandingOrder, config: SenderConfig): string | null {
  if (answer.status < 200 || answer.status > 299) return `HTTP ${answer.status}`
  const body = readJsonObject(answer.body)
  if (!body.ok) return `unreadable answer: ${body.detail}`
  if (config.resultAnswerHash === 'own') {
    const fields = textsOf(body.value, signedFields.ANSWER)
    const given = body.value.MaXacThuc
    if (fields === null || typeof given !== 'string' || !isAuthentic(given, signedFields.ANSWER, fields, config.secret))
      return 'the answer is not hashed over its own fields'
  }
  const parsed = answerSchema.safeParse(body.value)
  if (!parsed.success) return `MaLoi ${String(body.value.MaLoi).slice(0, 20)}`
  return parsed.data.MaThamChieu === order.reference ? null : 'an answer to another result'
}
